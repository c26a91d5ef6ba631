"""Which thread a card stands in, so that many at once do not flood the channel.

Each window of time has some places in the channel's main view. A card takes one by writing an
object that S3 lets one writer create. Where all are taken, a card stands in the thread of the
window, which begins with a digest: Slack shows replies out of the main view, so nothing has to
be held back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from handlers import moment
from handlers.evidence import keep, piece
from handlers.mrkdwn import code, text
from handlers.notification import Notification, in_thread, notification

TOP_APPS, TOP_CAUSES = 20, 3


@dataclass(frozen=True, kw_only=True)
class Places:
    """``most`` in each window of ``seconds``, kept in ``bucket``; 0 for no limit."""

    bucket: str
    most: int
    seconds: int

    def thread(self, scan: str, app: str, causes: Sequence[str], now: datetime) -> str:
        """Return the thread for the first card of ``scan``: its own, or that of the window.

        ``causes`` say why it did not pass, alike where the reason is the same. Asked again within
        the window, it answers the same, unless a flood has begun in between.
        """
        if not self.most:
            return scan
        start = datetime.fromtimestamp(now.timestamp() // self.seconds * self.seconds, UTC)
        window = _window(start)
        if piece(self.bucket, _digest(window)):
            return window
        mine = {"scan": scan, "app": app, "causes": list(causes)}
        taken = []
        for place in range(1, self.most + 1):
            stands = keep(self.bucket, f"{window}/{place}.json", mine).document
            if stands["scan"] == scan:
                return scan
            taken.append(stands)
        before = piece(self.bucket, _digest(_window(start - timedelta(seconds=self.seconds))))
        since = before.document["since"] if before else moment.iso(start)
        card = self._card([*taken, mine], since, start)
        document = {"scan": scan, "since": since, "card": in_thread(card, window)}
        keep(self.bucket, _digest(window), document)
        return window

    def digest(self, thread: str, scan: str) -> Notification | None:
        """Return the card that begins ``thread``, where ``scan`` is the one to have it shown."""
        stands = piece(self.bucket, _digest(thread)) if thread != scan else None
        return stands.document["card"] if stands and stands.document["scan"] == scan else None

    def _card(self, scans: Sequence[dict[str, Any]], since: str, start: datetime) -> Notification:
        start_of_next = moment.iso(start + timedelta(seconds=self.seconds))
        goes_on = since != moment.iso(start)
        apps = Counter(each["app"] for each in scans)
        shown = ", ".join(f"{code(app, 70)} {number}" for app, number in apps.most_common(TOP_APPS))
        return notification(
            scan=None,
            title=f"🌊 More than {self.most} scans did not pass within {_words(self.seconds)}",
            body=[
                f"The further ones, until {moment.minute(start_of_next)}, stand in this thread.",
                *([f"It has gone on since {moment.minute(since)}."] if goes_on else ()),
                "",
                f"*So far:* {shown}{', …' if len(apps) > TOP_APPS else ''}",
                *_in_common(scans),
            ],
            foot="Each card in the thread has its own buttons, and what follows stands below.",
            next_steps=[
                "Open this thread, and decide about each scan on its card there.",
                "Where many have one cause, mend that first: a broken scan can be scanned again.",
            ],
            keywords=["many scans did not pass"],
        )


def _window(start: datetime) -> str:
    """Thread and prefix at once; no scan's id has a colon."""
    return f"flood/{moment.iso(start)}"


def _digest(window: str) -> str:
    return f"{window}/digest.json"


def _in_common(scans: Sequence[dict[str, Any]]) -> Iterable[str]:
    # Each cause of a scan once, in its order: a set has another one each time.
    causes = Counter(cause for each in scans for cause in dict.fromkeys(each["causes"]))
    shared = [(cause, number) for cause, number in causes.most_common(TOP_CAUSES) if number > 1]
    if shared:
        yield "*In common:*"
    for cause, number in shared:
        yield f"• {number} of {len(scans)}: {text(cause, 300)}"


def _words(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}s" if number > 1 else f"one {unit}"
    return f"{seconds} seconds"
