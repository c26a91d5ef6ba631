"""Takes a fix out again, to see that the simulator finds what it was for.

Alone here it is said how the pipeline's code looks: each entry puts something older, or nothing, in
the place of the lines that are the fix.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.simulation.aws import functions  # noqa: F401  sets the handlers' environment

# isort: split
from handlers import (
    announce,
    approval,
    callback,
    check_build_status,
    evidence,
    moment,
    rescan,
    versions,
)
from handlers.evidence import Evidence
from ops import clearance

Definition = dict[str, Any]
NO_SUCH_KEY = "S3.NoSuchKeyException"
# As scenarios set it, where they wait for it at all.
WHO_SECONDS = 30


@dataclass(frozen=True)
class Fix:
    """``about`` ends the sentence "without it, ...".

    ``number`` is that of issue 15, and ``how`` says what stands in its place; a violation of one
    of ``kinds`` shows that it is missing. ``patches`` are (owner, name, instead).
    """

    number: int
    about: str
    how: str
    kinds: tuple[str, ...]
    patches: tuple[tuple[Any, str, Any], ...] = ()
    definition: Callable[[Definition], Definition] = lambda definition: definition


def _changed(change: Callable[[str, dict[str, Any]], None]) -> Callable[[Definition], Definition]:
    """Return what changes each state of a definition, and leaves the original as it is."""

    def changed(definition: Definition) -> Definition:
        states = {name: _copy(state) for name, state in definition["States"].items()}
        for name, state in states.items():
            change(name, state)
        return {**definition, "States": states}

    return changed


def _copy(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: _copy(each) for name, each in state.items()}
    return [_copy(each) for each in state] if isinstance(state, list) else state


def _any_error_is_none(name: str, state: dict[str, Any]) -> None:
    """Take an approval for ended where the withdrawal cannot be read."""
    catchers = state.get("Catch", [])
    if any(each["ErrorEquals"] == [NO_SUCH_KEY] for each in catchers):
        catchers[-1]["Next"] = "MarkEnded"


def _approve_unseen(name: str, state: dict[str, Any]) -> None:
    """Tag an approval without a look at whether it was withdrawn."""
    for choice in state.get("Choices", []):
        if "'approved'" in choice["Condition"]:
            choice["Next"] = "ClearApproved"


def _deaf_to_the_end(name: str, state: dict[str, Any]) -> None:
    """Where no token can be left, wait until the approval is over."""
    if name == "HoldBlind":
        del state["Seconds"]
        state["Timestamp"] = "{% $decision.until %}"


def _whatever_the_end(name: str, state: dict[str, Any]) -> None:
    """Tag an approval, wait for who approved, and tell it, though it is over."""
    if name == "HoldException":
        state["Choices"].sort(key=lambda choice: choice["Next"] == "MarkEnded")
    elif name == "HearWhoApproved":
        state["TimeoutSeconds"] = WHO_SECONDS


def _told_though_over(
    name: str, decision: Any, withdrawal: Any, real: Any = announce._is_outdated
) -> bool:
    if name in ("approved", "ending"):
        return withdrawal is not None
    return real(name, decision, withdrawal)


def _overwrite(request: dict[str, Any]) -> bool:
    evidence.s3.put_object(
        Bucket=callback.WORK_BUCKET,
        Key=f"waiting/{request['scan']}.json",
        Body=json.dumps(request).encode(),
    )
    return True


def _no_answer(*_: Any) -> bool:
    return False


def _only_exceptions(scan: str, waits_for: Any, kept: Any, wake: Any = approval._wake) -> bool:
    return wake(scan, waits_for[-1:], kept)


def _only_decisions(known: Evidence, event: Any) -> bool:
    return known.piece("decision.json") is not None


def _only_the_newest(scan: Any) -> str | None:
    found, _ = versions._versions(scan)
    return found[0] if found and found[0] != scan["versionId"] else None


def _already(known: Evidence, decision: Any) -> str:
    verdict, when = decision["verdict"], moment.minute(decision["decidedAt"])
    if verdict in ("expired", "superseded"):
        return _STANDING(known, decision)
    return (
        f"Already {verdict} on {when}, because: {decision['reason']}. "
        "A scan is decided once; nothing changed."
    )


_STANDING = approval._standing


def _end_first(press: Any, withdraw: Any = approval.withdraw) -> str:
    """Answer that an exception is over before it is looked whether it was withdrawn."""
    decision = Evidence(approval.ARTIFACTS_BUCKET, press.scan).read("decision.json")
    if decision and decision["until"] and moment.is_over(decision["until"], moment.now()):
        return f"Nothing to withdraw: the exception ended on {moment.minute(decision['until'])}."
    return withdraw(press)


def _scan_this_again(scan: str) -> str:
    """Start the attempt that follows the card's, under the name that it always has."""
    known = Evidence(rescan.ARTIFACTS_BUCKET, scan)
    opened, verdict = known.read("scan.json"), known.read("verdict.json")
    if not opened:
        return f"There is no scan {scan} here."
    if verdict and verdict["status"] == "passed":
        return f"{scan} passed its quality gate; there is nothing to scan again."
    if verdict and verdict.get("retry") is False:
        return f"The same bytes would end as {scan} did: do what its card says, then upload again."
    if rescan._is_running(opened["execution"]):
        return f"{scan} is not over: it is being scanned, awaits its decision, or is approved."
    attempt = opened.get("attempt", 1) + 1
    again = f"{opened['app']}/{opened['versionId']}.{attempt}"
    machine, _, _ = opened["execution"].replace(":execution:", ":stateMachine:").rpartition(":")
    try:
        rescan.sfn.start_execution(
            stateMachineArn=machine,
            name=f"again-{attempt}-{opened['versionId']}",
            input=json.dumps(rescan._event(opened, attempt)),
        )
    except rescan.sfn.exceptions.ExecutionAlreadyExists:
        return f"It is scanned again already, as {again}: see the newer card."
    return f"Scanning {opened['key']} again; the answer comes on a new card, about {again}."


class _CardFirst(Evidence):
    """Writes the card before the verdict, each once: two writes that need not agree."""

    def keep(self, name: str, document: Any) -> Any:
        if name == "verdict.json" and document["card"]:
            card = super().keep("notification.json", document["card"])
            document = {**document, "card": card.document}
        return super().keep(name, document)


_NO_EVENT = (callback, "answer", _no_answer)
_LATE = ("deployable too long", "tag late", "told late")
FIXES = {
    "look-when-a-wait-begins": Fix(
        1,
        "a withdrawal before the first hold is not looked at",
        "callback does not look for withdrawal.json; no S3 event",
        _LATE,
        ((callback, "_withdrawn", _no_answer), _NO_EVENT),
    ),
    "withdrawal-of-what-is-not-followed-yet": Fix(
        2,
        "a withdrawal does not reach a machine that has not heard of the approval",
        "withdraw wakes exceptions only; no look before the tag; no S3 event",
        _LATE,
        ((approval, "_wake", _only_exceptions), _NO_EVENT),
        _changed(_approve_unseen),
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
        ((rescan, "rescan", _scan_this_again),),
    ),
    "newer-version-when-a-wait-begins": Fix(
        4,
        "a newer version that comes before the token leaves the request open",
        "callback does not look for newer versions",
        ("replaced request left open",),
        ((callback, "_decided", _only_decisions),),
    ),
    "only-a-missing-object-is-none": Fix(
        5,
        "trouble of S3 counts as no withdrawal",
        "any error on reading withdrawal.json goes on to the end",
        ("untrue: ended", "unfounded tag", "old status written", "deployable too long"),
        definition=_changed(_any_error_is_none),
    ),
    "hold-without-a-token": Fix(
        5,
        "a hold that no token could be left for cannot be withdrawn",
        "HoldBlind waits until the end",
        _LATE,
        definition=_changed(_deaf_to_the_end),
    ),
    "approval-that-is-over": Fix(
        6,
        "an approval that is over is tagged and told",
        "no look at the end before tag and card; seconds are a period",
        ("untrue: approved",),
        (
            (announce, "_is_outdated", _told_though_over),
            (approval, "PERIOD", re.compile(r"([0-9]{1,9}) *(s|m|h|d|days?|)", re.IGNORECASE)),
            (approval, "UNITS", {"s": "seconds", **approval.UNITS}),
        ),
        _changed(_whatever_the_end),
    ),
    "nothing-outdated-is-told": Fix(
        7,
        "what was decided since is not looked at",
        "announce tells what it is asked to",
        ("untrue: escalated", "untrue: approved", "untrue: ending"),
        ((announce, "_is_outdated", _no_answer),),
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
        ((versions, "newer", _only_the_newest),),
    ),
    "status-and-card-at-once": Fix(
        10,
        "card and verdict may be of two looks",
        "the card is an object of its own, written first",
        ("untrue: broken", "untrue: failed"),
        ((check_build_status, "Evidence", _CardFirst),),
    ),
    "answers-after-the-end": Fix(
        11,
        "an old card's answer knows nothing of what came after the decision",
        "answers do not look at withdrawal and end",
        ("untrue answer: already", "untrue answer: ended"),
        ((approval, "_standing", _already), (approval, "withdraw", _end_first)),
    ),
    "later-token-stays": Fix(
        12,
        "a late write buries the token that is waited with",
        "callback overwrites whatever token is there",
        _LATE,
        ((callback, "_leave", _overwrite),),
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
