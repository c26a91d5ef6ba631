"""Whether an approval rests on another version's exception only where it may, and where it should.

Promises: docs/decisions.md, "What an approval covers": a later version of the app whose gate fails
only for what an exception that holds covers is approved under it, and nobody is asked. Nothing is
carried over from an exception that ended or was withdrawn meanwhile.
"""

from collections.abc import Iterator

from tests.simulation.model import coverage, people
from tests.simulation.model.comparisons import thread
from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS
from tests.simulation.model.subjects import Attempt, Violation
from tests.simulation.model.wording import kind

# How long one evaluation of a scan may take: the timeout of its function, in seconds.
EVALUATION = 30.0


def violations(history: History) -> Iterator[Violation]:
    """Evaluate all approvals that rest on another's exception, and all requests."""
    for attempt in history.attempts.values():
        if "restsOn" in attempt.decision:
            for what in _wrong(history, attempt):
                yield Violation("covered without cause", attempt.decided, f"{attempt.scan}: {what}")
        elif attempt.status == "failed":
            yield from _asked(history, attempt)


def _wrong(history: History, attempt: Attempt) -> Iterator[str]:
    root = attempt.root
    if attempt.build == "FAILED":
        yield "its build did not succeed"
    if history.settings.covers != "findings":
        yield "an approval covers its version only"
    if root is None or root.outcome != "approved":
        yield "it rests on no exception"
        return
    if root.version.app != attempt.version.app:
        yield f"it rests on an exception of {root.version.app}"
    sha256 = root.files["decision.json"].sha256
    if sha256 and attempt.decision["restsOn"].get("decision.json") != sha256:
        yield "it names another decision.json"
    if attempt.decision.get("reason") != root.decision.get("reason"):
        yield "it has another reason"
    # Written by one evaluation, after it has read the exception for the last time.
    start = history.patience.before(attempt.evaluated, EVALUATION)
    if not root.held(start, attempt.evaluated, 3.0):
        yield (
            f"{root.scan} held from {root.decided:.1f} until {root.holds_until:.1f}, but this was "
            f"evaluated at {attempt.evaluated:.1f}"
        )
    for why in coverage.not_covered(attempt, root):
        yield f"{root.scan} does not cover it: {why}"
    if _was_refused(attempt, start):
        yield "people had rejected or withdrawn this version"
    if attempt.version.newer(start, attempt.evaluated):
        yield "a newer version had been there for long"
    if history.settings.self_approval == "refuse":
        yield from _own(attempt, root)


def _was_refused(attempt: Attempt, by: float) -> bool:
    """Whether an earlier attempt at the version was rejected, or its own approval withdrawn."""
    return any(
        other.own_withdrawal < by or (other.outcome == "rejected" and other.decided < by)
        for other in attempt.version.attempts
        if other.number < attempt.number
    )


def _own(attempt: Attempt, root: Attempt) -> Iterator[str]:
    """With four eyes the uploader is known, and did not approve the exception."""
    recorded = people.recorded(attempt.version)
    if recorded > attempt.evaluated:
        yield "its uploader was not recorded"
    approvers = people.approvers(root)
    if approvers and approvers <= {people.uploader(attempt.version)}:
        yield f"{sorted(approvers)} approved {root.scan}, and uploaded this"


def _elsewhere(attempt: Attempt) -> Iterator[Violation]:
    """Its cards are in the thread of the exception."""
    for card in attempt.cards:
        place = card.card["metadata"].get("threadId")
        if attempt.root and place != thread(attempt.root) and kind(card) != "pipeline error":
            yield Violation("another thread", card.at, f"{attempt.scan}: {place}")


def _asked(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Nobody is asked about what an exception covers that held all the time."""
    if history.settings.covers != "findings" or attempt.build != "SUCCEEDED":
        return
    if not history.is_current:
        return
    has_card = any(kind(card) == "failed" for card in attempt.cards)
    start = attempt.evaluated - FOLLOWS - EVALUATION
    version, patience = attempt.version, history.patience
    if _was_refused(attempt, attempt.evaluated):
        return
    # An event that is lost keeps the state machine from asking how the build ended.
    if attempt.built < start:
        return
    if (
        not has_card
        or patience.any(start, attempt.evaluated)
        or version.replaced(start, attempt.evaluated)
    ):
        return
    for root in history.attempts.values():
        known = patience.deadline(root.decided)
        if (
            root is not attempt
            and root.outcome == "approved"
            and root.root is None
            and root.version.app == version.app
            and known < start
            and root.holds_until > attempt.evaluated + FOLLOWS
            and not any(coverage.not_covered(attempt, root))
            and _may_carry(history, attempt, root, start)
            and not _unindexed(history, attempt, root)
        ):
            yield Violation(
                "asked although covered", attempt.evaluated, f"{attempt.scan}, by {root.scan}"
            )
            return


def _unindexed(history: History, attempt: Attempt, root: Attempt) -> bool:
    """Whether writing the app's record may have failed (docs/faults.md): then people are asked."""
    return any(
        "apps" in fault.call or fault.fault == "outage"
        for fault in history.patience.faults
        if root.decided <= fault.until and fault.at <= attempt.evaluated
    )


def _may_carry(history: History, attempt: Attempt, root: Attempt, start: float) -> bool:
    if history.settings.self_approval != "refuse":
        return True
    uploader = people.uploader(attempt.version)
    return (
        people.recorded(attempt.version) < start
        and people.known_approvers(root, start)
        and uploader not in people.approvers(root) | people.named(root)
    )
