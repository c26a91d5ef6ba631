"""The five steps of an upload, and how long each took by S3's clock."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain import report, timestamps
from domain.sanitize import line
from ops.clearance import CLEARED
from ops.scan_documents import Scan
from ops.snapshot import Snapshot


class State(Enum):
    """How far a step is."""

    done = "done"
    failed = "failed"
    running = "running"
    waiting = "waiting"
    unneeded = "unneeded"


@dataclass(frozen=True, kw_only=True)
class Step:
    """``seconds`` is how long it took, or has taken so far; None if that is not known."""

    name: str
    state: State
    seconds: int | None = None
    note: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.state not in (State.running, State.waiting)


def steps(snapshot: Snapshot) -> list[Step]:
    """Return the steps in their order; the first that is not over runs."""
    files, opened, decision = snapshot.files, snapshot.opened, snapshot.scan.decision
    gate_result = snapshot.scan.gate_result or {}
    status = gate_result.get("status")
    begun, evaluated = files.get("scan.json"), files.get("gate-result.json")
    scanned, decided = files.get("report.json") or evaluated, files.get("decision.json")
    # A further scan begins long after its upload.
    uploaded = timestamps.parse(opened["uploadedAt"]) if opened.get("attempt") == 1 else None
    states = {
        "Uploaded": State.done if opened else None,
        "Scanned": State.failed if status == "error" else State.done if scanned else None,
        "Gate": {"passed": State.done, "failed": State.failed, "error": State.unneeded}.get(
            str(status)
        ),
        "Decided": State.unneeded
        if status in ("passed", "error")
        else State.done
        if decision
        else None,
        "Cleared": _cleared(snapshot),
    }
    times = {
        "Uploaded": (uploaded, begun),
        "Scanned": (begun, scanned),
        "Gate": (scanned, evaluated),
        "Decided": (evaluated, decided),
        "Cleared": (decided or evaluated, snapshot.tagged),
    }
    notes = {
        "Uploaded": line(opened.get("key"), 200),
        "Scanned": _scanned(snapshot),
        "Gate": line(gate_result.get("reason"), 200) if status == "failed" else str(status or ""),
        "Decided": _decided(snapshot.scan),
        "Cleared": f"scan-status: {snapshot.tag}" if states["Cleared"] else "",
    }
    listed: list[Step] = []
    for name, over in states.items():
        is_next = all(step.is_over for step in listed)
        state = over or (State.running if is_next else State.waiting)
        start, end = times[name]
        if state is State.running:
            end = snapshot.now
        seconds = _seconds(start, end) if state not in (State.waiting, State.unneeded) else None
        listed.append(Step(name=name, state=state, seconds=seconds, note=notes[name]))
    return listed


def _cleared(snapshot: Snapshot) -> State | None:
    # A failed gate is followed by a decision.
    if not snapshot.settled or snapshot.tag == "failed":
        return None
    return State.done if snapshot.tag in CLEARED else State.failed


def _scanned(snapshot: Snapshot) -> str:
    """Why the scan failed to run, else how much code was analysed."""
    gate_result, scan = snapshot.scan.gate_result, snapshot.scan
    if gate_result and gate_result["status"] == "error":
        return line(gate_result["reason"], 200)
    parsed = report.parse(scan.report, scan.id)
    return parsed.coverage.analysed if parsed and parsed.coverage else ""


def _decided(scan: Scan) -> str:
    if scan.decision:
        under = f" under the exception of {scan.rests_on}" if scan.rests_on else ""
        return line(scan.decision["decision"] + under, 200)
    if not scan.gate_result or scan.gate_result["status"] != "failed":
        return ""
    if scan.covered_by:
        return line(f"the exception of {scan.covered_by} covers it", 200)
    return "waits for another person" if scan.approvals else "waits for Approve or Reject in Slack"


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    return max(0, int((end - start).total_seconds())) if start and end else None
