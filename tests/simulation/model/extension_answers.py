"""What the answers to Extend promise, and to Approve where two people must; each yields untruths.

docs/decisions.md, "Extend" and "Four eyes".
"""

from collections.abc import Iterator
from math import floor

from tests.simulation.model.answer import Answer, state
from tests.simulation.model.chain import period
from tests.simulation.model.patience import SKEW
from tests.simulation.model.subjects import CLICK, LAST_MINUTE
from tests.simulation.model.wording import minute, seconds

# An approval ends this long after the upload at the latest, in seconds.
LIFETIME = 360 * 86400


def extended(answer: Answer, scan: str, until: str) -> Iterator[str]:
    """It was extended until then, by this click or another one."""
    ends = {
        minute(seconds(stored.document.get("expiresAt")))
        for _, stored in answer.attempt.numbered("extensions")
        if answer.so(stored.at)
    }
    if scan != answer.attempt.scan or until not in ends:
        yield f"it says {until}, not {sorted(ends)}"


def faster(answer: Answer, until: str) -> Iterator[str]:
    """Somebody else's extension was written during the click, or this one's, by a lost call."""
    yield from extended(answer, answer.attempt.scan, until)
    extensions = answer.attempt.numbered("extensions")
    if not any(answer.start - CLICK <= stored.at <= answer.end for _, stored in extensions):
        yield "nobody extended it meanwhile"


def nothing_decided(answer: Answer, scan: str) -> Iterator[str]:
    if answer.attempt.decided < answer.start:
        yield from state(answer.attempt)


def already(answer: Answer, scan: str, until: str) -> Iterator[str]:
    """It ends at least as late as the click asked for."""
    attempt = answer.attempt
    if not attempt.held(answer.start, answer.end, SKEW):
        yield from state(attempt)
    yield from answer.names_one(until, attempt.ends(answer.start, answer.end))
    wanted = period(answer.click) or answer.history.settings.exception
    end = floor(answer.start + wanted - SKEW)  # documents have whole seconds
    if end > max(attempt.ends(answer.start, answer.end)):
        yield "it asked for longer"


def within_a_minute(answer: Answer) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.outcome != "approved" or attempt.end(answer.start) - LAST_MINUTE - SKEW > answer.end:
        yield from state(attempt)


def rests(answer: Answer, root: str) -> Iterator[str]:
    if answer.attempt.root is None or answer.attempt.root.scan != root:
        yield f"it does not rest on {root}"


def more_than_one(answer: Answer) -> Iterator[str]:
    if answer.history.settings.approvals == 1:
        yield "one person may approve"


def too_long(answer: Answer) -> Iterator[str]:
    wanted = period(answer.click) or answer.history.settings.exception
    if answer.end + wanted + SKEW < answer.attempt.version.uploaded + LIFETIME:
        yield f"{wanted:.0f} s are not too long"


def replaced(answer: Answer) -> Iterator[str]:
    if not answer.attempt.version.replaced(answer.start, answer.end):
        yield "there is no newer version"


def approved_by_one(answer: Answer, scan: str) -> Iterator[str]:
    """The click is recorded, and more people must approve."""
    if answer.history.settings.approvals == 1:
        yield "one person is enough"
    clicks = [stored for _, stored in answer.attempt.numbered("approvals")]
    if not any(answer.start - CLICK <= stored.at <= answer.end for stored in clicks):
        yield "it is not recorded"


def too_many(answer: Answer) -> Iterator[str]:
    if len(answer.attempt.numbered("approvals")) < 20:
        yield "there are fewer"


def root_over(answer: Answer, how: str, when: str) -> Iterator[str]:
    """The exception that it rests on ended."""
    root = answer.attempt.root
    if root is None:
        yield "it rests on none"
    elif how == "was withdrawn":
        yield from answer.names(when, seconds(root.withdrawal.get("withdrawnAt")))
    elif answer.end < root.end(answer.end) - SKEW:
        yield from state(root)
    else:
        yield from answer.names_one(when, root.ends(answer.start, answer.end))
