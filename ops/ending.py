"""How a scan ended, in a sentence and an exit code."""

from dataclasses import dataclass

from domain import decisions, durations, report
from domain.sanitize import line
from ops import uploads
from ops.clearance import CLEARED
from ops.snapshot import Snapshot
from ops.stack import Stack
from ops.target import Target, WaitFor

UPLOAD_AGAIN = "fix the findings and upload again"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The result of an upload, as far as it was awaited.

    ``status`` is a value of the tag ``scan-status``, else ``timed-out``, ``interrupted``,
    ``deleted`` or ``contradictory``. ``sentence`` says it to people, ``next_step`` what they can
    do about it.
    """

    status: str
    exit_code: int
    sentence: str
    next_step: str = ""


def of(snapshot: Snapshot, target: Target, environment: Stack) -> Ending | None:
    """Return how the scan ended, None as long as it is to be followed."""
    name = _name(snapshot, target)
    if snapshot.contradiction:
        return Ending(
            status="contradictory",
            exit_code=2,
            sentence=f"{name}: {snapshot.contradiction}",
            next_step="do not deploy it; report it to the owner of the evidence, who can run: "
            f"{environment.command('verify', snapshot.scan.id)}",
        )
    if snapshot.tag == uploads.GONE:
        return Ending(
            status="deleted",
            exit_code=2,
            sentence=f"{name}: the version was deleted from the upload bucket",
            next_step="upload it again",
        )
    if not snapshot.settled or not snapshot.tag:
        return None
    # What an exception covers is approved within seconds, without people.
    goes_on = target.wait_for is WaitFor.decision or snapshot.scan.covered_by
    if snapshot.tag == "failed" and goes_on:
        return None
    return Ending(
        status=snapshot.tag,
        exit_code=0 if snapshot.tag in CLEARED else 2 if snapshot.tag == "error" else 1,
        sentence=f"{name}: {_explanation(snapshot)}",
        next_step=_next_step(snapshot, environment),
    )


def timed_out(snapshot: Snapshot, target: Target, environment: Stack, seconds: float) -> Ending:
    """Return the ending of a scan that was followed for ``seconds``."""
    name, within = _name(snapshot, target), durations.text(seconds)
    if not snapshot.opened:
        sentence = f"{name}: no scan has begun within {within}"
    elif snapshot.tag == "failed":
        sentence = f"{name}: nobody has decided within {within}; the request stays open"
    else:
        sentence = f"{name}: no result within {within}; the scan goes on"
    return Ending(
        status="timed-out",
        exit_code=2,
        sentence=sentence,
        next_step=f"pick it up again: {follow_again(target, environment)}",
    )


def interrupted(snapshot: Snapshot | None, target: Target, environment: Stack) -> Ending:
    """Return the ending of a scan that is not followed any more, because of Ctrl-C."""
    name = _name(snapshot, target)
    return Ending(
        status="interrupted",
        exit_code=130,
        sentence=f"{name}: interrupted; the scan goes on",
        next_step=f"pick it up again: {follow_again(target, environment)}",
    )


def follow_again(target: Target, environment: Stack) -> str:
    """The command that follows the scan of ``target`` from now on."""
    return _wait(environment, target.scan, target.wait_for)


def _wait(environment: Stack, scan: str, wait_for: WaitFor) -> str:
    words = ["--for", wait_for] if wait_for is not WaitFor.gate else []
    return environment.command("wait", scan, *words)


def _name(snapshot: Snapshot | None, target: Target) -> str:
    """The upload's key, or the scan's id until it is known."""
    key = target.key or (snapshot.opened.get("key") if snapshot else None)
    return line(key or target.scan, 200)


def _explanation(snapshot: Snapshot) -> str:
    scan = snapshot.scan
    if snapshot.tag == "passed":
        return "passed its quality gate"
    parsed = report.parse(scan.report, scan.id)
    if snapshot.tag == "error" and parsed and parsed.error:
        return f"the scan failed to run: {line(parsed.error.message, 500)}"
    return scan.explanation(snapshot.tag)


def _next_step(snapshot: Snapshot, environment: Stack) -> str:
    scan, status = snapshot.scan, snapshot.tag
    gate_result = scan.gate_result or {}
    parsed = report.parse(scan.report, scan.id)
    if status == "failed":
        decided = _wait(environment, scan.id, WaitFor.decision)
        return f"{UPLOAD_AGAIN}; or people approve it in Slack, wait for that: {decided}"
    if status == "error":
        given = (
            parsed.error.remediation if parsed and parsed.error else gate_result.get("remediation")
        )
        remedy = line(given, 500) or "its card in Slack says what to do"
        again = f"\nif people scan it again: {_wait(environment, scan.id, WaitFor.gate)}"
        return remedy + (again if gate_result.get("retryable") else "")
    newer = decisions.newer_version(scan.decision) if scan.decision else None
    if status == "superseded" and newer:
        app = scan.id.partition("/")[0]
        return f"the newer version: {_wait(environment, f'{app}/{newer}', WaitFor.gate)}"
    return "" if status in CLEARED else UPLOAD_AGAIN
