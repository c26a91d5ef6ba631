"""What the answers to Approve, Reject and Withdraw promise; each rule yields untrue claims.

docs/decisions.md, "One decision per scan": everybody else is told what is stored.
"""

import re
from collections.abc import Iterator

from tests.simulation.model.answer import Answer, state
from tests.simulation.model.patience import FOLLOWS, SKEW
from tests.simulation.model.wording import seconds, verb

# The timeout of a call that a person waits for, in seconds: the chat service waits 15 s in all.
HANGS = 2.0


def approved(answer: Answer, scan: str, until: str) -> Iterator[str]:
    attempt = answer.attempt
    if scan != attempt.scan or not attempt.held(answer.start, answer.end, SKEW):
        yield from state(attempt)
    else:
        yield from answer.names_one(until, attempt.ends(answer.start, answer.end))


def rejected(answer: Answer, scan: str) -> Iterator[str]:
    attempt = answer.attempt
    if scan != attempt.scan or attempt.outcome != "rejected" or not answer.so(attempt.decided):
        yield from state(attempt)


def recorded_in_vain(answer: Answer, outcome: str, scan: str) -> Iterator[str]:
    """It is recorded, and no execution carries it out."""
    yield from recorded(answer, outcome, scan)
    if not _failed_before(answer):
        yield "no execution of it has failed"


def recorded(answer: Answer, outcome: str, scan: str) -> Iterator[str]:
    """It is recorded; a card reports what follows."""
    attempt = answer.attempt
    if outcome == "withdrawn":
        is_so = answer.so(attempt.withdrawn)
    else:
        is_so = attempt.outcome == outcome and answer.so(attempt.decided)
    if scan != attempt.scan or not is_so:
        yield from state(attempt)


def already(answer: Answer, outcome: str, when: str) -> Iterator[str]:
    """``Already approved`` means deployable: the approval must be valid."""
    attempt = answer.attempt
    if outcome == "withdrawn":
        if not answer.so(attempt.withdrawn):
            yield from state(attempt)
        yield from answer.names(when, seconds(attempt.withdrawal.get("withdrawnAt")))
        return
    holds = outcome != "approved" or attempt.held(answer.start, answer.end, SKEW)
    if attempt.outcome != outcome or not answer.so(attempt.decided) or not holds:
        yield from state(attempt)
    yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))


def late(answer: Answer, when: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.outcome != "request-expired" or not answer.so(attempt.decided):
        yield from state(attempt)
    else:
        yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))


def late_withdrawn(answer: Answer, when: str, back: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.outcome != "approved" or not answer.so(attempt.withdrawn):
        yield from state(attempt)
        return
    yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))
    yield from answer.names(back, seconds(attempt.withdrawal.get("withdrawnAt")))


def late_over(answer: Answer, when: str, until: str) -> Iterator[str]:
    yield from over(answer, until)
    yield from answer.names(when, seconds(answer.attempt.decision.get("decidedAt")))


def replaced(answer: Answer) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.outcome != "superseded" or not answer.so(attempt.decided):
        yield from state(attempt)


def withdrawn(answer: Answer, scan: str) -> Iterator[str]:
    attempt = answer.attempt
    if scan != attempt.scan or not answer.so(attempt.withdrawn):
        yield from state(attempt)


def withdrawn_on(answer: Answer, when: str) -> Iterator[str]:
    attempt = answer.attempt
    if not answer.so(attempt.own_withdrawal):
        yield from state(attempt)
    yield from answer.names(when, seconds(attempt.withdrawal.get("withdrawnAt")))


def nothing_decided(answer: Answer, scan: str) -> Iterator[str]:
    if answer.attempt.decided < answer.start:
        yield from state(answer.attempt)


def was(answer: Answer, scan: str, outcome: str, when: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.outcome != outcome or outcome == "approved" or not answer.so(attempt.decided):
        yield from state(attempt)
    else:
        yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))


def over(answer: Answer, until: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.outcome != "approved" or answer.end < attempt.end(answer.end) - SKEW:
        yield from state(attempt)
    elif attempt.withdrawn < min(attempt.until - FOLLOWS, answer.start):
        yield f"it did not end: it was withdrawn at {attempt.withdrawn:.1f}"
    else:
        yield from answer.names_one(until, attempt.ends(answer.start, answer.end))


def not_waiting(answer: Answer, scan: str) -> Iterator[str]:
    """Untrue while a request is open: the token follows the card within the usual time."""
    attempt = answer.attempt
    late = answer.history.patience.deadline(attempt.requested)
    if late < answer.start and attempt.decided > answer.end and not _failed_before(answer):
        yield f"people were asked at {attempt.requested:.1f}, and nothing is decided"


def _failed_before(answer: Answer) -> bool:
    return any(run.status == "FAILED" and run.ended <= answer.end for run in answer.attempt.runs)


def no_scan(answer: Answer, scan: str) -> Iterator[str]:
    opened = answer.attempt.files.get("scan.json")
    if opened and opened.at < answer.start:
        yield f"scan.json is there since {opened.at:.1f}"


def no_payload(answer: Answer) -> Iterator[str]:
    payload = answer.payload if isinstance(answer.payload, dict) else {}
    if answer.known and verb(answer.click) and isinstance(payload.get("scan"), str):
        yield "the button sent what it should"


def no_reason(answer: Answer) -> Iterator[str]:
    response = answer.payload.get(verb(answer.click))
    reason = response[0] if isinstance(response, list) and len(response) == 2 else response
    if isinstance(reason, str) and sum(map(str.isalnum, reason)) >= 3 and len(reason) <= 300:
        yield f"a reason was given: {reason!r}"


def no_days(answer: Answer) -> Iterator[str]:
    response = answer.payload.get(verb(answer.click))
    days = response[1] if isinstance(response, list) and len(response) == 2 else ""
    match = re.fullmatch(r" *([0-9]{1,4}) *(?:d|days?)? *", str(days))
    if match and 0 < int(match[1]) * 86400 <= answer.history.settings.longest:
        yield f"a period was given: {days!r}"


def aws(answer: Answer) -> Iterator[str]:
    """A call failed, or took longer than the function waits."""
    elapsed = answer.end - answer.start
    if not answer.history.patience.any(answer.start, answer.end) and elapsed < HANGS:
        yield f"no call failed within {elapsed:.1f} s"
