"""Takes a fix out again, to see that the simulator finds what it was for.

Each entry puts something older, or nothing, in the place of the lines that are the fix. Alone here
and in ``older`` it is said how the pipeline's code looks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.simulation import earlier_bugs

# isort: split
from handlers import approval, callback, check_build_status, notify, rescan, versions
from ops import clearance

Definition = earlier_bugs.Definition


@dataclass(frozen=True)
class Fix:
    """``about`` ends the sentence "without it, ...".

    ``number`` is that of issue 15, and ``how`` says what is stored in its place; a violation of one
    of ``kinds`` shows that it is missing. ``patches`` are (owner, name, instead).
    """

    number: int
    about: str
    how: str
    kinds: tuple[str, ...]
    patches: tuple[tuple[Any, str, Any], ...] = ()
    definition: Callable[[Definition], Definition] = lambda definition: definition


_NO_EVENT = (callback, "answer", earlier_bugs.no_answer)
_LATE = ("deployable too long", "tag late", "told late")
FIXES = {
    "look-when-a-wait-begins": Fix(
        1,
        "a withdrawal before the first hold is not looked at",
        "callback does not look for withdrawal.json; no S3 event",
        _LATE,
        ((callback, "_withdrawn", earlier_bugs.no_answer), _NO_EVENT),
    ),
    "withdrawal-of-what-is-not-followed-yet": Fix(
        2,
        "a withdrawal does not reach a machine that does not know of the approval",
        "withdraw resumes exceptions only; no look before the tag; no S3 event",
        _LATE,
        ((approval, "_resume", earlier_bugs.only_exceptions), _NO_EVENT),
        earlier_bugs.changed(earlier_bugs.tag_unseen),
    ),
    "event-about-answers": Fix(
        2,
        "a click that dies after its document is followed by nobody",
        "no S3 event",
        _LATE,
        (_NO_EVENT,),
    ),
    "last-attempt": Fix(
        3,
        "an old card scans under a name of long ago",
        "rescan starts the attempt after that of the card",
        (
            "deployable too long",
            "old status written",
            "second build",
            "untrue answer: again",
            "untrue answer: again already",
        ),
        ((rescan, "rescan", earlier_bugs.scan_this_again),),
    ),
    "newer-version-when-a-wait-begins": Fix(
        4,
        "a newer version that comes before the token leaves the request open",
        "callback does not look for newer versions",
        ("replaced request left open",),
        ((callback, "_decided", earlier_bugs.only_decisions),),
    ),
    "only-a-missing-object-is-none": Fix(
        5,
        "error of S3 counts as no withdrawal",
        "any error on reading withdrawal.json goes on to the end",
        ("untrue: approval-expired", "unfounded tag", "old status written", "deployable too long"),
        definition=earlier_bugs.changed(earlier_bugs.any_error_is_none),
    ),
    "hold-without-a-token": Fix(
        5,
        "a hold that no token could be left for cannot be withdrawn",
        "WaitWithoutCallback waits until the end",
        _LATE,
        definition=earlier_bugs.changed(earlier_bugs.wait_to_the_end),
    ),
    "approval-that-is-over": Fix(
        6,
        "an approval that is over is tagged and told",
        "no look at the end before tag and card; seconds are a period",
        ("untrue: approved",),
        (
            (notify, "_is_outdated", earlier_bugs.notified_though_over),
            (approval, "SHORTEST", timedelta(seconds=1)),
        ),
        earlier_bugs.changed(earlier_bugs.ignore_the_end),
    ),
    "nothing-outdated-is-told": Fix(
        7,
        "what was decided since is not looked at",
        "notify tells what it is asked to",
        ("untrue: escalated", "untrue: approved", "untrue: expiring"),
        ((notify, "_is_outdated", earlier_bugs.no_answer),),
    ),
    "verify-knows-skew": Fix(
        8,
        "verify takes its own clock for everybody's",
        "no allowance for clocks that differ",
        ("verify finds what is right",),
        ((clearance, "SKEW", timedelta(0)), (clearance, "LAST", timedelta(0))),
    ),
    "older-is-not-newer": Fix(
        9,
        "an older version replaces one that was deleted for good",
        "the newest that is listed counts, whatever is missing",
        ("superseded by none", "superseded by an older one"),
        ((versions, "newer", earlier_bugs.only_the_newest),),
    ),
    "status-and-card-at-once": Fix(
        10,
        "card and gate result may be of two looks",
        "the card is an object of its own, written first",
        ("untrue: scan error", "untrue: failed"),
        ((check_build_status, "Evidence", earlier_bugs.CardFirst),),
    ),
    "answers-after-the-end": Fix(
        11,
        "an old card's answer knows nothing of what came after the decision",
        "answers do not look at withdrawal and end",
        ("untrue answer: already", "untrue answer: ended"),
        (
            (approval, "_existing_decision", earlier_bugs.already),
            (approval, "withdraw", earlier_bugs.end_first),
        ),
    ),
    "later-token-stays": Fix(
        12,
        "a late write buries the token that is waited with",
        "callback overwrites whatever token is there",
        _LATE,
        ((callback, "_leave", earlier_bugs.overwrite),),
    ),
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """Take a fix out of the functions; ``definition`` takes it out of the state machine."""
    patches = FIXES[name].patches if name else ()
    real = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in patches]
    for owner, attribute, instead in patches:
        setattr(owner, attribute, instead)
    try:
        yield
    finally:
        for owner, attribute, value in real:
            setattr(owner, attribute, value)


def definition(real: Definition, name: str) -> Definition:
    """Return the state machine without the fix; as it is where there is no name."""
    return FIXES[name].definition(real) if name else real
