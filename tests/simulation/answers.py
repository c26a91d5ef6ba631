"""Whether each answer to a click was true.

Promises: docs/decisions.md, "One decision per scan" (everybody else is told what stands) and
"Buttons of your own" (*Scan again*: another attempt with a card of its own); DESIGN section 5,
"Approval Lambda". An answer must have been true at some moment between the click and the answer;
what a clock decides may be off by the 3 s by which clocks differ. The sentences are known by their
words, as people know them; one that is not known is a violation, so that a new one gets its rule.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.simulation.history import (
    Attempt,
    History,
    Violation,
    kind,
    minute,
    seconds,
    verb,
)
from tests.simulation.patience import FOLLOWS, SKEW
from tests.simulation.trace import Clicked

_MOMENT = r"(\d+ \w+ \d{4}, \d\d:\d\d UTC)"
_SCAN = r"([A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)"
# What calls for a person gives up on a call that takes as long, in seconds: DESIGN section 5, an
# answer in under 15 s.
HANGS = 2.0
# The state machine could not be woken; who reads it looks for a message, and presses again.
_SOON = " If no message follows here soon,"


class Answer:
    """One click that was answered, and the scan that it was about."""

    def __init__(self, history: History, click: Clicked, attempt: Attempt | None) -> None:
        self.history, self.click = history, click
        self.start, self.end = click.began, click.at
        self.known = attempt
        self.payload: Any = click.payload

    @property
    def attempt(self) -> Attempt:
        """The scan, or one of which there is nothing."""
        return self.known or _NOTHING

    def so(self, moment: float) -> bool:
        """Whether what came at ``moment`` was there before the answer."""
        return moment <= self.end

    def names(self, said: str, moment: float) -> Iterator[str]:
        if said != minute(moment):
            yield f"it says {said}, not {minute(moment)}"


_NOTHING: Any = Attempt("", 1, None)  # type: ignore[arg-type]


def violations(history: History) -> Iterator[Violation]:
    """Judge all answers."""
    for click in history.clicks:
        if click.answer is None:
            continue
        payload = click.payload if isinstance(click.payload, dict) else {}
        answer = Answer(history, click, history.attempt(payload.get("scan")))
        name, wrong = _judge(answer, click.answer)
        for what in wrong:
            yield Violation(
                name,
                click.at,
                f"{payload.get('scan')}, {verb(click) or '?'} pressed {click.began:.1f}, answered "
                f"{click.at:.1f}: {click.answer!r}: {what}",
            )


def _judge(answer: Answer, text: str) -> tuple[str, Iterator[str]]:
    said = text.partition(_SOON)[0]
    for pattern, name, rule in SENTENCES:
        if found := pattern.match(said):
            return f"untrue answer: {name}", rule(answer, *found.groups())
    return "unknown answer", iter(["no such answer is known"])


def _approved(answer: Answer, scan: str, until: str) -> Iterator[str]:
    attempt = answer.attempt
    if scan != attempt.scan or not attempt.held(answer.start, answer.end, SKEW):
        yield from _state(attempt)
    else:
        yield from answer.names(until, attempt.until)


def _rejected(answer: Answer, scan: str) -> Iterator[str]:
    attempt = answer.attempt
    if scan != attempt.scan or attempt.verdict != "rejected" or not answer.so(attempt.decided):
        yield from _state(attempt)


def _already(answer: Answer, verdict: str, when: str) -> Iterator[str]:
    """``Already approved`` says that it may be deployed: it must hold (issue 15, number 11)."""
    attempt = answer.attempt
    if verdict == "withdrawn":
        if not answer.so(attempt.withdrawn):
            yield from _state(attempt)
        yield from answer.names(when, seconds(attempt.withdrawal.get("withdrawnAt")))
        return
    holds = verdict != "approved" or attempt.held(answer.start, answer.end, SKEW)
    if attempt.verdict != verdict or not answer.so(attempt.decided) or not holds:
        yield from _state(attempt)
    yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))


def _late(answer: Answer, when: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.verdict != "expired" or not answer.so(attempt.decided):
        yield from _state(attempt)
    else:
        yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))


def _late_withdrawn(answer: Answer, when: str, back: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.verdict != "approved" or not answer.so(attempt.withdrawn):
        yield from _state(attempt)
        return
    yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))
    yield from answer.names(back, seconds(attempt.withdrawal.get("withdrawnAt")))


def _late_over(answer: Answer, when: str, until: str) -> Iterator[str]:
    yield from _over(answer, until)
    yield from answer.names(when, seconds(answer.attempt.decision.get("decidedAt")))


def _replaced(answer: Answer) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.verdict != "superseded" or not answer.so(attempt.decided):
        yield from _state(attempt)


def _withdrawn(answer: Answer, scan: str) -> Iterator[str]:
    attempt = answer.attempt
    if scan != attempt.scan or not answer.so(attempt.withdrawn):
        yield from _state(attempt)


def _nothing_decided(answer: Answer, scan: str) -> Iterator[str]:
    if answer.attempt.decided < answer.start:
        yield from _state(answer.attempt)


def _was(answer: Answer, scan: str, verdict: str, when: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.verdict != verdict or verdict == "approved" or not answer.so(attempt.decided):
        yield from _state(attempt)
    else:
        yield from answer.names(when, seconds(attempt.decision.get("decidedAt")))


def _over(answer: Answer, until: str) -> Iterator[str]:
    attempt = answer.attempt
    if attempt.verdict != "approved" or answer.end < attempt.until - SKEW:
        yield from _state(attempt)
    elif attempt.withdrawn < min(attempt.until - FOLLOWS, answer.start):
        yield f"it did not end: it was withdrawn at {attempt.withdrawn:.1f}"
    else:
        yield from answer.names(until, attempt.until)


def _not_waiting(answer: Answer, scan: str) -> Iterator[str]:
    """Not while it is open: the token follows the card within the usual time."""
    attempt = answer.attempt
    late = answer.history.patience.deadline(attempt.asked)
    if late < answer.start and attempt.decided > answer.end and not _failed_before(answer):
        yield f"people were asked at {attempt.asked:.1f}, and nothing is decided"


def _failed_before(answer: Answer) -> bool:
    return any(run.status == "FAILED" and run.ended <= answer.end for run in answer.attempt.runs)


def _no_scan(answer: Answer, scan: str) -> Iterator[str]:
    opened = answer.attempt.files.get("scan.json")
    if opened and opened.at < answer.start:
        yield f"scan.json is there since {opened.at:.1f}"


def _no_payload(answer: Answer) -> Iterator[str]:
    payload = answer.payload if isinstance(answer.payload, dict) else {}
    if answer.known and verb(answer.click) and isinstance(payload.get("scan"), str):
        yield "the button sent what it should"


def _no_reason(answer: Answer) -> Iterator[str]:
    said = answer.payload.get(verb(answer.click))
    reason = said[0] if isinstance(said, list) and len(said) == 2 else said
    if isinstance(reason, str) and sum(map(str.isalnum, reason)) >= 3 and len(reason) <= 300:
        yield f"a reason was given: {reason!r}"


def _no_days(answer: Answer) -> Iterator[str]:
    said = answer.payload.get("approve")
    days = said[1] if isinstance(said, list) and len(said) == 2 else ""
    found = re.fullmatch(r" *([0-9]{1,4}) *(?:d|days?)? *", str(days))
    if found and 0 < int(found[1]) * 86400 <= answer.history.settings.longest:
        yield f"a period was given: {days!r}"


def _aws(answer: Answer) -> Iterator[str]:
    """A call failed, or hung for so long that the function gave up."""
    took = answer.end - answer.start
    if not answer.history.patience.any(answer.start, answer.end) and took < HANGS:
        yield f"no call failed within {took:.1f} s"


def _passed(answer: Answer, scan: str) -> Iterator[str]:
    if not any(
        each.status == "passed" and answer.so(each.judged)
        for each in answer.attempt.version.attempts
    ):
        yield from _state(answer.attempt)


def _same_bytes(answer: Answer, scan: str) -> Iterator[str]:
    verdicts = [each.files.get("verdict.json") for each in answer.attempt.version.attempts]
    if not any(
        each and isinstance(each.document, dict) and each.document.get("retry") is False
        for each in verdicts
    ):
        yield "no verdict says that the fault is in the bytes"


def _not_over(answer: Answer, scan: str) -> Iterator[str]:
    runs = [run for each in answer.attempt.version.attempts for run in each.runs]
    if not any(run.started <= answer.end and run.ended >= answer.start for run in runs):
        yield "no execution of it is running"


def _scanning(answer: Answer, again: str) -> Iterator[str]:
    """The promised card must come, unless what was scanned passed, or SNS refused even the card
    that says that the execution failed (docs/faults.md, "alarm")."""
    attempt = answer.history.attempts.get(again)
    if attempt is None or not any(run.started <= answer.end for run in attempt.runs):
        yield f"nothing scans {again}"
        return
    told = {"failed", "broken", "trouble"}
    if any(kind(card) in told and card.at >= answer.start for card in attempt.cards):
        return
    if attempt.status == "passed" and attempt.judged >= answer.start:
        return
    failed = [run.ended for run in attempt.runs if run.status == "FAILED"]
    since = answer.history.patience.before
    if any(answer.history.patience.outage(since(at), at, "sns") for at in failed):
        return
    yield f"no card about {again} followed"


def _again_already(answer: Answer, again: str) -> Iterator[str]:
    """*See the newer card*: it came, or comes."""
    attempt = answer.history.attempts.get(again)
    if attempt is None or not any(run.started <= answer.end for run in attempt.runs):
        yield f"nothing scans {again}"
    elif attempt.status != "passed" and not attempt.cards:
        yield f"there is no card about {again}"


def _state(attempt: Attempt) -> Iterator[str]:
    yield (
        f"judged {attempt.status}, {attempt.verdict or 'not decided'} at {attempt.decided:.1f}, "
        f"withdrawn {attempt.withdrawn:.1f}, over {attempt.until:.1f}"
    )


Rule = Callable[..., Iterator[str]]
SENTENCES: list[tuple[re.Pattern[str], str, Rule]] = [
    (re.compile(pattern, re.DOTALL), name, rule)
    for pattern, name, rule in (
        (rf"Approved: {_SCAN} may be deployed until {_MOMENT}\.$", "approved", _approved),
        (rf"Rejected: {_SCAN} stays blocked\.$", "rejected", _rejected),
        (rf"Already (approved|rejected|withdrawn) on {_MOMENT}, because: ", "already", _already),
        (rf"Too late: nobody had decided by {_MOMENT};", "too late", _late),
        (
            rf"Too late: it was approved on {_MOMENT}, and withdrawn on {_MOMENT}, because: ",
            "too late, withdrawn",
            _late_withdrawn,
        ),
        (
            rf"Too late: it was approved on {_MOMENT}, and the exception ended on {_MOMENT};",
            "too late, over",
            _late_over,
        ),
        (r"Too late: a newer version has been uploaded;", "replaced", _replaced),
        (rf"Withdrawn: {_SCAN} may not be deployed any more\.$", "withdrawn", _withdrawn),
        (
            rf"Nothing to withdraw: nothing was decided about {_SCAN} here\.$",
            "nothing decided",
            _nothing_decided,
        ),
        (rf"Nothing to withdraw: {_SCAN} was (\w+) on {_MOMENT}\.$", "not approved", _was),
        (rf"Nothing to withdraw: the exception ended on {_MOMENT}\.$", "ended", _over),
        (rf"{_SCAN} is not waiting for a decision;", "not waiting", _not_waiting),
        (rf"There is no scan {_SCAN} here\.$", "no scan", _no_scan),
        (r"This is no decision about a scan;", "no decision", _no_payload),
        (r"This is no scan;", "no payload", _no_payload),
        (r"Nothing was decided: give a reason of 3 to 300 characters,", "no reason", _no_reason),
        (r"Nothing was decided: Days is how long it holds,", "no days", _no_days),
        (r"AWS did not answer as it should;", "trouble", _aws),
        (rf"{_SCAN} passed its quality gate;", "passed", _passed),
        (rf"The same bytes would end as {_SCAN} did:", "same bytes", _same_bytes),
        (rf"{_SCAN} is not over:", "not over", _not_over),
        (rf"Scanning \S+ again; the answer comes on a new card, about {_SCAN}\.$", "again",
         _scanning),
        (rf"It is scanned again already, as {_SCAN}:", "again already", _again_already),
    )
]  # fmt: skip
