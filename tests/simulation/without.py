"""Removes a fix, to see that the simulator finds the bug.

Each entry replaces the lines of a fix by older code, or by nothing. Only this module and
``earlier_bugs`` depend on how the pipeline's code is written.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.simulation import earlier_bugs

# isort: split
from domain import approvals, quorum
from handlers import (
    approval,
    approver_audit,
    callback,
    check_build_status,
    notify,
    rescan,
    settlement,
    versions,
)
from ops import clearance

Definition = earlier_bugs.Definition


@dataclass(frozen=True)
class Fix:
    """``about`` ends the sentence "without it, ...".

    ``number`` is that of the bug, which may need several fixes; ``how`` describes the replacement.
    A violation of one of ``kinds`` shows that the fix is missing. ``patches`` are (owner, name,
    replacement).
    """

    number: int
    about: str
    how: str
    kinds: tuple[str, ...]
    patches: tuple[tuple[Any, str, Any], ...] = ()
    definition: Callable[[Definition], Definition] = lambda definition: definition


_NO_EVENT = (callback, "answer", earlier_bugs.no_answer)
_LATE = ("deployable too long", "tag late", "notified late")
FIXES = {
    "withdrawal-check-when-a-wait-begins": Fix(
        1,
        "a withdrawal before the first wait is not noticed",
        "callback does not look for withdrawal.json; no S3 event",
        _LATE,
        ((callback, "_has_news", earlier_bugs.open_requests_only), _NO_EVENT),
    ),
    "withdrawal-resumes-any-wait": Fix(
        2,
        "a withdrawal does not resume a state machine that has not read the approval yet",
        "withdraw resumes exceptions only; no look before the tag; no S3 event",
        _LATE,
        ((approval, "_resume", earlier_bugs.only_exceptions), _NO_EVENT),
        earlier_bugs.changed(earlier_bugs.tag_unseen),
    ),
    "event-about-decisions": Fix(
        2,
        "a click that crashes after writing its document is never carried out",
        "no S3 event",
        _LATE,
        (_NO_EVENT,),
    ),
    "scan-again-starts-after-the-last-attempt": Fix(
        3,
        "an old card starts an attempt whose name was used long ago",
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
        ((settlement, "versions", earlier_bugs.NoVersions),),
    ),
    "only-a-missing-object-is-none": Fix(
        5,
        "an error of S3 counts as no withdrawal",
        "any error on reading withdrawal.json leads to the expiry",
        ("untrue: approval-expired", "unfounded tag", "old status written", "deployable too long"),
        definition=earlier_bugs.changed(earlier_bugs.any_error_is_none),
    ),
    "wait-without-a-token": Fix(
        5,
        "an approval whose token could not be stored cannot be withdrawn",
        "WaitWithoutCallback waits until the end",
        _LATE,
        definition=earlier_bugs.changed(earlier_bugs.wait_to_the_end),
    ),
    "expired-approval-is-not-notified": Fix(
        6,
        "an expired approval is tagged and notified",
        "no look at the end before tag and card; seconds are a period",
        ("untrue: approved",),
        (
            (notify, "_is_outdated", earlier_bugs.notified_though_over),
            (approval, "SHORTEST", timedelta(seconds=1)),
        ),
        earlier_bugs.changed(earlier_bugs.ignore_the_end),
    ),
    "outdated-notifications-are-not-sent": Fix(
        7,
        "later decisions are not noticed",
        "notify sends whatever it is asked to",
        ("untrue: escalated", "untrue: approved", "untrue: expiring"),
        ((notify, "_is_outdated", earlier_bugs.no_answer),),
    ),
    "verify-allows-for-skew": Fix(
        8,
        "verify assumes that all clocks agree with its own",
        "no allowance for clocks that differ",
        ("verify finds what is right",),
        ((clearance, "SKEW", timedelta(0)), (clearance, "LAST", timedelta(0))),
    ),
    "older-version-never-supersedes": Fix(
        9,
        "an older version supersedes one that was deleted permanently",
        "the newest listed version counts as newer",
        ("superseded by none", "superseded by an older one"),
        ((versions, "newer", earlier_bugs.only_the_newest),),
    ),
    "status-and-card-in-one-write": Fix(
        10,
        "card and gate result may come from two evaluations",
        "the card is an object of its own, written first",
        ("untrue: scan error", "untrue: failed"),
        ((check_build_status, "Evidence", earlier_bugs.CardFirst),),
    ),
    "answers-after-the-end": Fix(
        11,
        "an old card's answer ignores what came after the decision",
        "answers do not look at withdrawal and end",
        ("untrue answer: already", "untrue answer: ended"),
        (
            (approval, "_existing_decision", earlier_bugs.already),
            (approval, "withdraw", earlier_bugs.end_first),
        ),
    ),
    "late-write-keeps-the-current-token": Fix(
        12,
        "a late write overwrites the token of the current wait",
        "callback overwrites whatever token is there",
        _LATE,
        ((callback, "_leave", earlier_bugs.overwrite),),
    ),
    "mark-before-resting": Fix(
        13,
        "the withdrawal of an exception does not reach the versions that rest on it",
        "check_build_status does not mark what rests on an exception",
        _LATE,
        ((check_build_status, "_is_still_valid", earlier_bugs.unmarked),),
    ),
    "exception-ends-what-rests-on-it": Fix(
        14,
        "an approval outlives the exception that it rests on",
        "only the own documents of an approval count",
        (*_LATE, "unfounded tag"),
        ((approvals, "validity", earlier_bugs.own_only),),
    ),
    "cover-after-a-successful-build": Fix(
        15,
        "the report of a failed build, which hostile code may have written, is covered",
        "the build's status does not count",
        ("covered without cause",),
        ((check_build_status, "_failed", earlier_bugs.any_build),),
    ),
    "uploader-approved-the-exception": Fix(
        16,
        "who approved an exception gets an own upload approved by it",
        "selfApproval does not count where an exception covers",
        ("covered without cause",),
        ((check_build_status, "_refused", earlier_bugs.nothing),),
    ),
    "two-different-people": Fix(
        17,
        "one person approves twice",
        "clicks are counted, not people",
        ("not approved by two",),
        ((quorum, "approvals", earlier_bugs.each_click),),
    ),
    "own-approval-is-taken-back": Fix(
        18,
        "who uploaded approves",
        "settle does not look who approved",
        ("own approval kept",),
        ((settlement, "_self_approver", earlier_bugs.nobody),),
    ),
    "record-of-who-clicked-resumes": Fix(
        18,
        "the log says who approved, and nobody looks",
        "approver_audit resumes nothing; no S3 event about actions",
        ("own approval kept", "two approved, and nothing follows"),
        (
            (approver_audit, "resume_scan", earlier_bugs.nothing),
            (callback, "answer", earlier_bugs.not_about_people),
        ),
    ),
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """Remove a fix from the functions; ``definition`` removes it from the state machine."""
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
    """Return the state machine's definition without the fix; unchanged if the name is empty."""
    return FIXES[name].definition(real) if name else real
