"""Chooses the thread of a card, so that many at once do not overwhelm the channel's main view.

Each window of time has some thread slots in the main view. A card takes one by a conditional write.
Once all are taken (a notification storm), cards go to the thread of the window, which begins with a
digest: Slack shows replies outside of the main view, so no card has to be delayed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from domain import timestamps
from domain.stored_objects import StoredObject, get_object, put_if_absent, to_json
from handlers.mrkdwn import code, text
from handlers.notification import Notification, in_thread, notification

TOP_APPS, TOP_CAUSES = 20, 3


class ThreadSlots(NamedTuple):
    """``most`` slots (0 for no limit) in each window of ``seconds``, stored in ``bucket``.

    ``s3`` is a client of S3.
    """

    s3: Any
    bucket: str
    most: int
    seconds: int

    def is_storm(self, now: datetime) -> bool:
        """Return whether the window of ``now`` has a digest, so that its slots are taken."""
        return bool(self.most and self._get(_digest(_window(self._start(now)))))

    def thread(
        self, scan: str, app: str, causes: Sequence[str], now: datetime, *, storm: bool = False
    ) -> str:
        """Return the thread for the first card of ``scan``: its own, or that of the window.

        ``causes`` say why the scan did not pass, in equal words for equal reasons; ``storm`` is
        true if the window is known to have no slot left. Repeated calls within the window return
        the same, unless a storm has begun in between.
        """
        if not self.most:
            return scan
        start = self._start(now)
        window = _window(start)
        if storm:
            return window
        mine = {"scan": scan, "app": app, "causes": list(causes)}
        taken: list[dict[str, Any]] = []
        for slot in range(1, self.most + 1):
            current = self._put_if_absent(f"{window}/{slot}.json", mine).document
            if current["scan"] == scan:
                return scan
            taken.append(current)
        before = self._get(_digest(_window(start - timedelta(seconds=self.seconds))))
        since = before.document["since"] if before else timestamps.iso(start)
        card = self._card([*taken, mine], since, start)
        document = {"scan": scan, "since": since, "card": in_thread(card, window)}
        self._put_if_absent(_digest(window), document)
        return window

    def digest(self, thread: str, scan: str) -> Notification | None:
        """Return the digest card of ``thread`` if ``scan`` has to post it, else None."""
        current = self._get(_digest(thread)) if thread != scan else None
        return current.document["card"] if current and current.document["scan"] == scan else None

    def _start(self, now: datetime) -> datetime:
        return datetime.fromtimestamp(now.timestamp() // self.seconds * self.seconds, UTC)

    def _get(self, key: str) -> StoredObject | None:
        return get_object(self.s3, self.bucket, key)

    def _put_if_absent(self, key: str, document: object) -> StoredObject:
        return put_if_absent(self.s3, self.bucket, key, to_json(document))

    def _card(self, scans: Sequence[dict[str, Any]], since: str, start: datetime) -> Notification:
        start_of_next = timestamps.iso(start + timedelta(seconds=self.seconds))
        goes_on = since != timestamps.iso(start)
        apps = Counter(scan["app"] for scan in scans)
        listed = ", ".join(
            f"{code(app, 70)} {number}" for app, number in apps.most_common(TOP_APPS)
        )
        return notification(
            scan=None,
            title=f"🌊 More than {self.most} scans did not pass within {_words(self.seconds)}",
            body=[
                f"The further ones, until {timestamps.minute(start_of_next)}, are in this thread.",
                *([f"It has gone on since {timestamps.minute(since)}."] if goes_on else ()),
                "",
                f"*So far:* {listed}{', …' if len(apps) > TOP_APPS else ''}",
                *_in_common(scans),
            ],
            foot="Each card in the thread has its own buttons, and what follows stands below.",
            next_steps=[
                "Open this thread and decide about each scan on its card.",
                "If many have one cause, fix that first: a scan that failed to run can be "
                "started again.",
            ],
            keywords=["many scans did not pass"],
        )


def _window(start: datetime) -> str:
    """The window's thread id and key prefix; the colons distinguish it from ids of scans."""
    return f"thread-slots/{timestamps.iso(start)}"


def _digest(window: str) -> str:
    return f"{window}/digest.json"


def _in_common(scans: Sequence[dict[str, Any]]) -> Iterable[str]:
    # Distinct causes of each scan, in a stable order, which a set does not have.
    causes = Counter(cause for scan in scans for cause in dict.fromkeys(scan["causes"]))
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
