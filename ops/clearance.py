"""Derives the clearance from the evidence of a scan."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from domain import timestamps
from ops.evidence import Scan

CLEARED = ("passed", "approved")
Clearance = str | None
# The tag is set some seconds after the evidence, or later if AWS has errors.
GRACE = timedelta(minutes=5)
# Three clocks have a say (the function's that decides, the state machine's, this one), and between
# looking and writing some seconds pass.
SKEW = timedelta(seconds=10)
# The function may take a withdrawal by its clock when by the state machine's the exception is over
# already, or is just being ended: then the tag says so, and stays.
LAST = timedelta(minutes=1)


def expected_clearance(
    scan: Scan, now: datetime, before: AbstractSet[Clearance] = frozenset({None})
) -> tuple[Clearance, AbstractSet[Clearance]]:
    """Return the clearance that follows from the evidence, and what the tag may say for now.

    ``before`` is what it may have said before this scan was evaluated.
    """
    steps: list[tuple[datetime, Clearance]] = []
    decision, back = scan.decision, scan.withdrawal
    either: set[Clearance] = set()
    if scan.gate_result:
        steps.append(
            (timestamps.parse(scan.gate_result["evaluatedAt"]), scan.gate_result["status"])
        )
    if decision:
        steps.append((timestamps.parse(decision["decidedAt"]), decision["decision"]))
    if decision and decision["decision"] == "approved":
        end = timestamps.parse(decision["expiresAt"])
        since = timestamps.parse(back["withdrawnAt"]) if back else end
        steps.append((since, "withdrawn" if back else "approval-expired"))
        if back and end - since < LAST:
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


def deployable(scan: Scan, status: Clearance, now: datetime | None = None) -> bool:
    """Whether a version whose tag says ``status`` may be deployed by its evidence, too.

    ``scan`` is the one that its clearance follows from.
    """
    follows, _ = expected_clearance(scan, now or timestamps.now())
    # A withdrawal counts from when it is there, whatever its date says.
    return status in CLEARED and status == follows and scan.withdrawal is None
