"""What the answers to *Scan again* promise; each rule yields untrue claims.

docs/decisions.md, "Buttons of your own": another attempt, with evidence and a card of its own.
"""

from collections.abc import Iterator

from tests.simulation.model.answer import Answer, state
from tests.simulation.model.clearance import failure_reported
from tests.simulation.model.completeness import refused_card
from tests.simulation.model.wording import kind


def passed(answer: Answer, scan: str) -> Iterator[str]:
    if not any(
        attempt.status == "passed" and answer.so(attempt.evaluated)
        for attempt in answer.attempt.version.attempts
    ):
        yield from state(answer.attempt)


def same_bytes(answer: Answer, scan: str) -> Iterator[str]:
    gate_results = [
        attempt.files.get("gate-result.json") for attempt in answer.attempt.version.attempts
    ]
    if not any(
        gate_result
        and isinstance(gate_result.document, dict)
        and gate_result.document.get("retryable") is False
        for gate_result in gate_results
    ):
        yield "no gate result says that the fault is in the bytes"


def not_over(answer: Answer, scan: str) -> Iterator[str]:
    runs = [run for attempt in answer.attempt.version.attempts for run in attempt.runs]
    if not any(run.started <= answer.end and run.ended >= answer.start for run in runs):
        yield "no execution of it is running"


def scanning(answer: Answer, again: str) -> Iterator[str]:
    """The promised card must be sent, unless the scan passed or SNS refused the card.

    docs/faults.md, "alarm" and "What is accepted": it may refuse even the card about the failed
    execution, and that of an approval, which has an email."""
    attempt = answer.history.attempts.get(again)
    if attempt is None or not any(run.started <= answer.end for run in attempt.runs):
        yield f"nothing scans {again}"
        return
    notified = {"failed", "scan error", "pipeline error"}
    if "restsOn" in attempt.decision:
        notified |= {"approved", "approval-expired", "withdrawn"}
        if refused_card(answer.history, attempt, "approved", attempt.decided):
            return
    if any(kind(card) in notified and card.at >= answer.start for card in attempt.cards):
        return
    if attempt.status == "passed" and attempt.evaluated >= answer.start:
        return
    failed = [item for item in attempt.runs if item.status == "FAILED"]
    if any(
        metric.ended >= answer.start and failure_reported(answer.history, metric)
        for metric in failed
    ):
        return
    yield f"no card about {again} followed"


def again_already(answer: Answer, again: str) -> Iterator[str]:
    """*See the newer card*: there is one, or it follows."""
    attempt = answer.history.attempts.get(again)
    if attempt is None or not any(run.started <= answer.end for run in attempt.runs):
        yield f"nothing scans {again}"
    elif attempt.status != "passed" and not attempt.cards:
        yield f"there is no card about {again}"
