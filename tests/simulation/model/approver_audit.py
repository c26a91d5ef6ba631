"""Whether evidence and email name who clicked, where the environment records approvers.

Promises: docs/approver-audit.md; docs/decisions.md, "Evidence" (``actions/<log event id>.json``).
"""

from collections.abc import Iterator
from typing import Any

from tests.simulation.model.chain import VERBS
from tests.simulation.model.doubled import by_subject
from tests.simulation.model.history import History
from tests.simulation.model.subjects import CLICK, Attempt, Violation
from tests.simulation.model.wording import seconds, verb
from tests.simulation.people import PEOPLE
from tests.simulation.trace import Clicked, Stored

# The log's timestamps are truncated to seconds in the records.
ROUNDING = 1.0
# CloudWatch Logs delivers a click within this time, all its retries included, in seconds.
DELIVERY = 500.0
# The maximum time between click and decision (docs/approver-audit.md), less the skew of clocks.
NEAR = 290.0


def violations(history: History) -> Iterator[Violation]:
    """Evaluate the records of clicks, and the emails that name people."""
    for attempt in history.attempts.values():
        records = [
            stored
            for name, stored in attempt.files.items()
            if name.startswith("actions/") and isinstance(stored.document, dict)
        ]
        for stored in records:
            yield from _founded(history, attempt, stored)
        if history.settings.approver_seconds:
            for click in attempt.clicks:
                yield from _recorded(history, attempt, click, records)
            yield from _named(attempt, records)


def _founded(history: History, attempt: Attempt, stored: Stored) -> Iterator[Violation]:
    """A record is about a click, and exists only where approvers are recorded."""
    if not history.settings.approver_seconds:
        yield Violation("record though off", stored.at, stored.key)
    if not any(_is_of(stored.document, click) for click in attempt.clicks):
        yield Violation("record without a click", stored.at, f"{stored.key}: {stored.document}")


def _recorded(
    history: History, attempt: Attempt, click: Clicked, records: list[Stored]
) -> Iterator[Violation]:
    """A click that reached the function is recorded, unless the audit's calls failed."""
    opened = attempt.files.get("scan.json")
    if click.answer is None or click.function != "approval" or not verb(click):
        return
    if opened is None or opened.at > click.began:
        return
    failed = any(
        fault.at <= click.began + DELIVERY
        and fault.until >= click.began
        and (fault.caller == "approver-audit" or fault.fault == "outage")
        for fault in history.patience.faults
    )
    if not failed and not any(_is_of(stored.document, click) for stored in records):
        yield Violation(
            "click not recorded", click.began, f"{attempt.scan}: {verb(click)} at {click.began:.1f}"
        )


def _named(attempt: Attempt, records: list[Stored]) -> Iterator[Violation]:
    """The email about a decision names who made it, if that was recorded before."""
    decision = attempt.decision
    if "approvals" in decision:
        for mail in by_subject(attempt).get("approved", ()):
            for person in decision["approvals"]:
                if person["user"] not in mail.text:
                    yield Violation(
                        "email without the approver", mail.at, f"{attempt.scan}: {person['user']}"
                    )
        return
    for mail in by_subject(attempt).get(attempt.outcome, ()):
        for stored in records:
            record = stored.document
            near = abs(seconds(record["clickedAt"]) - seconds(decision["decidedAt"])) < NEAR
            if (
                stored.at < mail.composed
                and near
                and record["action"] == VERBS.get(attempt.outcome)
                and record["reason"] == decision["reason"]
                and record["user"] not in mail.text
            ):
                yield Violation(
                    "email without the approver", mail.at, f"{attempt.scan}: {record['user']}"
                )


def _is_of(record: Any, click: Clicked) -> bool:
    """Whether the record is of this click; one without an answer may arrive after ``began``."""
    action = verb(click)
    expected = click.payload.get(action)
    reason = expected[0] if isinstance(expected, list) else expected
    late = seconds(record["clickedAt"]) - click.began
    return (
        record["action"] == action
        and record["user"] == PEOPLE[click.by].user
        and record["reason"] == reason
        and -ROUNDING <= late <= (ROUNDING if click.answer is not None else CLICK)
    )
