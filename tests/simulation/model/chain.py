"""Whether the evidence is complete, and each decision was a possible one.

Promises: docs/decisions.md, "Evidence" (each document names the SHA-256 of those before it; written
once), "One decision per scan" (the first writer wins), "How long", and the table in "The lifecycle
of a request". A click about a version that a newer one has replaced closes its request.
"""

import re
from collections.abc import Iterator
from math import inf

from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS, SKEW
from tests.simulation.model.subjects import CLICK, Attempt, Violation, flights
from tests.simulation.model.wording import seconds, verb
from tests.simulation.trace import Clicked, Stored

VERBS = {"approved": "approve", "rejected": "reject"}
# The documents whose SHA-256 a document must name if they exist (docs/decisions.md, "Evidence").
VOUCHES = {
    "report.json": ("scanner.log", "findings.json"),
    "gate-result.json": ("scan.json", "report.json"),
    "decision.json": ("gate-result.json",),
    "withdrawal.json": ("decision.json",),
    "extensions": ("decision.json",),
    "approvals": ("gate-result.json",),
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 86400, "day": 86400, "days": 86400}


def violations(history: History) -> Iterator[Violation]:
    """Evaluate the evidence of all scans."""
    for event in history.strays:
        if isinstance(event, Stored):
            yield Violation("stray object", event.at, f"{event.key} is about no upload")
    for attempt in history.attempts.values():
        yield from attempt_violations(history, attempt)


def attempt_violations(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Evaluate the evidence of one scan."""
    for stored in attempt.rewritten:
        yield Violation("written twice", stored.at, f"{stored.key} by {stored.by}")
    for name, stored in attempt.files.items():
        yield from _vouching(history, attempt, name, stored)
    yield from _gate_result(attempt)
    if attempt.decision:
        yield from _decision(history, attempt)
    if attempt.withdrawal:
        yield from _withdrawal(attempt)
    for _, stored in attempt.numbered("extensions"):
        yield from _extension(history, attempt, stored)
    for _, stored in attempt.numbered("approvals"):
        if not any(flights(attempt, ("approve",), stored.at)):
            yield Violation("approval without a click", stored.at, stored.key)


def _vouching(history: History, attempt: Attempt, name: str, stored: Stored) -> Iterator[Violation]:
    """Each SHA-256 is that of the stored document; none that should be named is missing."""
    if not name.endswith(".json"):
        return
    if not isinstance(stored.document, dict):
        yield Violation("no document", stored.at, f"{stored.key} is no JSON object")
        return
    if stored.document.get("scan", attempt.scan) != attempt.scan:
        yield Violation("wrong scan", stored.at, f"{stored.key} names {stored.document['scan']}")
    digests = stored.document.get("evidence") or {}
    for other, digest in digests.items():
        document = attempt.files.get(other)
        if document is None or document.at > stored.at:
            yield Violation(
                "vouches for nothing", stored.at, f"{stored.key} vouches for {other}, not there"
            )
        elif document.sha256 and document.sha256 != digest:
            yield Violation("wrong digest", stored.at, f"{stored.key} vouches for another {other}")
    for other in VOUCHES.get(name.partition("/")[0], ()):
        document = attempt.files.get(other)
        # A document that arrives during the evaluation is too late to be named.
        if document and other not in digests and document.at < history.patience.before(stored.at):
            yield Violation(
                "not vouched for", stored.at, f"{stored.key} does not name {other} before it"
            )


def _gate_result(attempt: Attempt) -> Iterator[Violation]:
    """A scan passes or fails only if its gate did; a later attempt's gate is in its report."""
    gate = attempt.version.gate
    if attempt.number > 1 and (report := attempt.files.get("report.json")):
        gate = ((report.document or {}).get("gate") or {}).get("status")
    if attempt.status not in (None, "error", gate):
        yield Violation(
            "wrong gate result",
            attempt.evaluated,
            f"{attempt.scan} is evaluated {attempt.status}, but its gate is {gate}",
        )


def _decision(history: History, attempt: Attempt) -> Iterator[Violation]:
    decided, answer = attempt.decided, attempt.outcome
    if attempt.status != "failed" or attempt.evaluated > decided:
        yield Violation(
            "decision without a failed gate",
            decided,
            f"{attempt.scan} is {answer}, but evaluated {attempt.status} at "
            f"{attempt.evaluated:.1f}",
        )
    if "restsOn" in attempt.decision:
        return  # see exceptions
    match answer:
        case "approved" if history.settings.approvals > 1:
            pass  # see four_eyes
        case "approved" | "rejected":
            clicks = list(flights(attempt, (VERBS[answer],), decided))
            if not clicks:
                yield Violation(
                    "decision without a click",
                    decided,
                    f"{attempt.scan} is {answer} at {decided:.1f}, and nobody clicked so",
                )
            yield from _newest(attempt, clicks)
            if answer == "approved":
                yield from _approval(history, attempt, clicks)
        case "request-expired":
            yield from _expiry(history, attempt)
        case "superseded":
            yield from _superseded(history, attempt)
        case _:
            yield Violation("unknown decision", decided, f"{attempt.scan} is {answer!r}")


def _newest(attempt: Attempt, clicks: list[Clicked]) -> Iterator[Violation]:
    """A click about a version that a newer one has replaced closes its request, and no more.

    A permanently deleted version cannot be deployed, whatever is decided about it.
    """
    newer = [attempt.version.newer(item.began, attempt.decided) for item in clicks]
    first = next(iter(newer), None)
    if first and all(newer) and attempt.version.deleted > attempt.decided:
        yield Violation(
            f"replaced version {attempt.outcome}",
            attempt.decided,
            f"{attempt.scan} is {attempt.outcome} at {attempt.decided:.1f}, although {first.id} "
            f"replaced it at {first.uploaded:.1f}",
        )


def _approval(history: History, attempt: Attempt, clicks: list[Clicked]) -> Iterator[Violation]:
    """It is valid for the requested or the default period, never longer than the maximum."""
    decision = attempt.decision
    holds = seconds(decision.get("expiresAt")) - seconds(decision.get("decidedAt"))
    yield from _holds_for(history, attempt, attempt.decided, holds, clicks)


def _holds_for(
    history: History, attempt: Attempt, at: float, holds: float, clicks: list[Clicked]
) -> Iterator[Violation]:
    answer = {period(item) or history.settings.exception for item in clicks}
    if clicks and not any(abs(holds - item) <= 1 for item in answer):
        yield Violation(
            "wrong period",
            at,
            f"{attempt.scan} is approved for {holds:.0f} s, not for {sorted(answer)}",
        )
    if holds > history.settings.longest:
        yield Violation("period too long", at, f"{attempt.scan} is approved for {holds:.0f} s")


def _extension(history: History, attempt: Attempt, stored: Stored) -> Iterator[Violation]:
    """A click extends an approval by people that holds, if one person may."""
    at, document = stored.at, stored.document
    clicks = list(flights(attempt, ("extend",), at))
    if not clicks:
        yield Violation("extension without a click", at, stored.key)
    if attempt.outcome != "approved" or attempt.decided > at or "restsOn" in attempt.decision:
        yield Violation("extension of nothing", at, f"{stored.key}: {attempt.outcome!r}")
    elif attempt.end(at - CLICK) + SKEW + CLICK < at:
        yield Violation("extension after the end", at, stored.key)
    if history.settings.approvals > 1:
        yield Violation("extended by one person", at, stored.key)
    holds = seconds(document.get("expiresAt")) - seconds(document.get("extendedAt"))
    yield from _holds_for(history, attempt, at, holds, clicks)


def period(click: Clicked) -> float | None:
    """The requested validity of an approval: ``14``, ``14d``, ``12h``; None if not given."""
    answer = click.payload.get(verb(click))
    days = str(answer[1]).strip().lower() if isinstance(answer, list) and len(answer) == 2 else ""
    if days in ("", "$days"):
        return None
    match = re.fullmatch(r"([0-9]+) *([a-z]*)", days)
    return int(match[1]) * _UNITS.get(match[2], inf) if match else inf


def _expiry(history: History, attempt: Attempt) -> Iterator[Violation]:
    """A request expires after ``decisionWindow``, and not much later."""
    window = history.settings.decide
    # ``expiresAt`` is computed before the gate result is written.
    if attempt.decided < attempt.evaluated + window - FOLLOWS:
        yield Violation(
            "expired early",
            attempt.decided,
            f"{attempt.scan}: {attempt.decided - attempt.evaluated:.0f} s after it was evaluated",
        )
    if attempt.decided > history.patience.deadline(history.expires(attempt)):
        yield Violation(
            "expired late",
            attempt.decided,
            f"{attempt.scan}: {attempt.decided - attempt.evaluated:.0f} s after it was evaluated",
        )


def _superseded(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Only a version that was uploaded later supersedes a request."""
    since = history.patience.before(attempt.decided)
    if not attempt.version.replaced(since, attempt.decided):
        yield Violation(
            "superseded by none",
            attempt.decided,
            f"{attempt.scan} is superseded at {attempt.decided:.1f}, but the newest of its key",
        )
    reason = str(attempt.decision.get("reason"))
    if not any(item.id in reason for item in attempt.version.later):
        yield Violation(
            "superseded by an older one",
            attempt.decided,
            f"{attempt.scan} is superseded: {reason!r} names no version that came later",
        )


def _withdrawal(attempt: Attempt) -> Iterator[Violation]:
    """Only a valid approval can be withdrawn, by a click."""
    at = attempt.own_withdrawal
    if attempt.outcome != "approved" or attempt.decided > at:
        yield Violation("withdrawal of nothing", at, f"{attempt.scan} is {attempt.outcome!r}")
    elif at > attempt.end(at) + SKEW + CLICK:
        yield Violation(
            "withdrawal after the end", at, f"{attempt.scan} was over at {attempt.end(at):.1f}"
        )
    if "rule" in attempt.withdrawal:
        return  # see four_eyes
    if not any(verb(flight) == "withdraw" for flight in flights(attempt, ("withdraw",), at)):
        yield Violation("withdrawal without a click", at, f"{attempt.scan} at {at:.1f}")
