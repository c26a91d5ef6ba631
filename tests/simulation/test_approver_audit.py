"""With ``recordApprover``, the simulated audit log ends in the evidence and in the emails."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.model import check
from tests.simulation.paths import PATHS
from tests.simulation.scenario import run
from tests.simulation.trace import Event, Mailed, Stored, Trace

# isort: split
from handlers import approver_audit

SCENARIO, _ = PATHS["rejected, with the approver's name"]


@pytest.fixture
def trace() -> Trace:
    return run(SCENARIO)


def records(trace: Trace) -> list[Any]:
    return [
        event.document
        for event in trace.events
        if isinstance(event, Stored) and "/actions/" in event.key
    ]


def kinds(trace: Trace) -> set[str]:
    return {violation.kind for violation in check(trace)}


def change(
    trace: Trace, matches: Callable[[Event], bool], instead: Callable[[Any], list[Event]]
) -> None:
    events = [instead(event) if matches(event) else [event] for event in trace.events]
    assert events != [[event] for event in trace.events]
    trace.events = [event for group in events for event in group]


def is_record(event: Event) -> bool:
    return isinstance(event, Stored) and "/actions/" in event.key


def test_who_rejected_is_in_the_evidence_and_in_the_email(trace: Trace):
    [record] = records(trace)
    [mail] = [event for event in trace.events if isinstance(event, Mailed)]

    assert (record["user"], record["userName"], record["action"]) == ("U0ADA", "Ada", "reject")
    assert "Ada (U0ADA)" in mail.text
    assert check(trace) == []


def test_nothing_is_recorded_where_the_setting_is_off():
    off, _ = PATHS["rejected"]

    assert records(run(off)) == []


def test_a_click_without_a_record_is_detected(trace: Trace):
    change(trace, is_record, lambda event: [])

    assert kinds(trace) == {"click not recorded"}


def test_a_record_of_another_action_is_detected(trace: Trace):
    def other(event: Stored) -> list[Event]:
        return [replace(event, document={**event.document, "action": "approve"})]

    change(trace, is_record, other)

    assert kinds(trace) == {"record without a click", "click not recorded"}


def test_an_email_that_does_not_name_the_recorded_approver_is_detected(trace: Trace):
    def anonymous(event: Mailed) -> list[Event]:
        return [replace(event, text=event.text.replace("Ada (U0ADA)", "the channel"))]

    change(trace, lambda event: isinstance(event, Mailed), anonymous)

    assert kinds(trace) == {"email without the approver"}


def test_a_record_where_the_setting_is_off_is_detected(trace: Trace):
    trace.settings = replace(trace.settings, approver_seconds=0)

    assert "record though off" in kinds(trace)


def test_an_audit_that_cannot_read_its_event_fails_the_scenario(monkeypatch: pytest.MonkeyPatch):
    def handler(event: Any, context: Any) -> None:
        raise KeyError("awslogs")

    monkeypatch.setattr(approver_audit, "handler", handler)

    assert {"unexpected exception", "click not recorded"} <= kinds(run(SCENARIO))
