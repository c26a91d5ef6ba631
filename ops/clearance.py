"""Derives the clearance from the evidence of a scan."""

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

from domain import timestamps
from domain.scan_id import app_of, scan_id
from ops.evidence import Attempts, Evidence, evaluated
from ops.scan_documents import Scan

CLEARED = ("passed", "approved")
Clearance = str | None
# The tag is set some seconds after the evidence is written, or later if AWS has errors.
GRACE = timedelta(minutes=5)
# Difference between three clocks: of the function that decides, of the state machine, and this one;
# and some seconds pass between reading and writing.
SKEW = timedelta(seconds=10)
# A withdrawal may be recorded while, by the state machine's clock, the approval has just expired;
# then the tag stays ``approval-expired``.
LAST = timedelta(minutes=1)
NEVER = datetime.max.replace(tzinfo=UTC)
INVALID = "its evidence is not as the pipeline writes it"
NOT_NAMED = "its evidence does not say what was scanned"


def expected_clearance(
    scan: Scan, now: datetime, before: AbstractSet[Clearance] = frozenset({None})
) -> tuple[Clearance, AbstractSet[Clearance]]:
    """Return the clearance that follows from the evidence, and the values that the tag may have.

    ``before`` are the values that it may have had before this scan was evaluated.
    """
    steps: list[tuple[datetime, Clearance]] = []
    either: set[Clearance] = set()
    if scan.gate_result:
        steps.append(
            (timestamps.parse(scan.gate_result["evaluatedAt"]), scan.gate_result["status"])
        )
    if scan.decision:
        steps.append((timestamps.parse(scan.decision["decidedAt"]), scan.decision["decision"]))
        last = scan.validity(NEVER)
        if last.ends and last.since:
            steps.append((last.since, last.status))
            if last.status == "withdrawn" and last.ends - last.since < LAST:
                either = {"approval-expired"}
    follows: Clearance = None
    allowed, current = set(either), before
    for since, status in steps:
        if since > now + SKEW:
            break
        if since > now - GRACE:
            allowed |= current
        follows, current = status, {status}
    return follows, allowed | current


def expected_tag(
    evidence: Evidence, scan: Scan, attempts: Attempts, now: datetime
) -> tuple[Clearance, AbstractSet[Clearance]] | None:
    """Return the clearance of the version of ``scan``, and the values that its tag may have.

    None if another of the ``attempts`` at this version determines it: a later one that is
    evaluated, or, until ``scan`` is, the one before.
    """
    number = (scan.opened or {}).get("attempt") or 1
    numbers = evaluated(attempts)
    if any(other > number for other in numbers) or (number > 1 and not scan.gate_result):
        return None
    before: AbstractSet[Clearance] = {None}
    if earlier := [other for other in numbers if other < number]:
        before = expected_clearance(evidence.documents(*attempts[max(earlier)]), now)[1]
    return expected_clearance(scan, now, before)


def deployable(scan: Scan, status: Clearance, now: datetime | None = None) -> bool:
    """Whether the tag ``status`` clears a version, and its evidence agrees.

    ``scan`` is the one that determines the clearance.
    """
    follows, _ = expected_clearance(scan, now or timestamps.now())
    return status in CLEARED and status == follows and scan.withdrawn is None


def invalid(scan: Scan, bucket: str, key: str, version: str) -> str:
    """Why ``scan`` says nothing about this upload; empty if it does, or has not begun.

    ``key`` may be empty: then scan.json says it.
    """
    if scan.invalid_evidence:
        return f"{INVALID}: {scan.invalid_evidence}"
    opened = scan.opened
    if not opened:
        return ""
    upload = bucket, key or opened["key"], version
    same = upload == (opened["bucket"], opened["key"], opened["versionId"])
    if not same or scan.id != scan_id(app_of(opened["key"]), version, opened["attempt"]):
        return "its evidence is about another upload"
    return ""


def unexplained(scan: Scan, tag: Clearance, follows: Clearance) -> str:
    """The sentence about a ``tag`` that is not what ``follows`` from the evidence."""
    return f"its tag says {tag or 'nothing'}, but its evidence: {scan.explanation(follows)}"
