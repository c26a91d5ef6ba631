"""Each alarm goes off when what it is about happens, and is shown in the channel."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.cloud import ACCOUNT, REGION, Cloud, awaited
from tests.local.cloudwatch import Values, goes_off, matches, measured, message, metric, watched
from tests.support.account import (
    FAILING,
    PASSING,
    card_of,
    change_states,
    disable_retries,
)

pytestmark = pytest.mark.slow

FUNCTIONS = ("approval", "rescan", "notify", "check-build-status", "callback", "open-scan")
LATE = 2 * 3600  # seconds
# What is made to happen below, and in which part of it.
HAPPENED = {
    "dead-letters": "lost",
    "no-scans-completed": "lost",
    "executions-ended-early": "trouble",
    "scan-errors": "trouble",
    "results-late": "trouble",
    "function-errors": "trouble",
    "button-errors": "trouble",
    "resume-failed": "trouble",
    "approvals-expiring": "trouble",
}
# What only AWS counts, or does: the least that sets the alarm off, and what does not.
GIVEN = {
    "dead-letter-delivery-failed": (1, 0),
    "starts-retried": (11, 10),
    "builds-queued": (601, 600),
    "notifications-undelivered": (1, 0),
}
# The same, where an alarm watches several metrics: each of them alone sets it off.
SECONDS = {"open-scan": 60, "notify": 30, "check-build-status": 30}
EACH = {
    "executions-ended-early": dict.fromkeys(
        ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"), (1, 0)
    ),
    "throttled": dict.fromkeys(("ExecutionThrottled", *FUNCTIONS), (1, 0)),
    "function-errors": dict.fromkeys(FUNCTIONS, (1, 0)),
    "functions-near-timeout": {
        name: (800 * SECONDS.get(name, 10) + 1, 800 * SECONDS.get(name, 10)) for name in FUNCTIONS
    },
    "mail-undelivered": dict.fromkeys(("Bounce", "Complaint", "Reject", "DeliveryDelay"), (1, 0)),
}


@dataclass
class Told:
    """An account to which things happened; ``parts`` is what was measured of each."""

    cloud: Cloud
    alarms: dict[str, dict[str, Any]]
    parts: dict[str, Values] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    events: int = 0


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    waits = {"decisionWindow": "90s", "escalateBefore": "85s"}
    holds = {"exceptionPeriod": "90s", "remindBefore": "85s"}
    with Cloud({**waits, **holds}) as cloud, pytest.MonkeyPatch.context() as patch:
        change_states(cloud, disable_retries)
        found = cloud.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
        told = Told(cloud, {each["AlarmName"].split("-", 4)[4][:-6]: each for each in found})
        _count(told, patch)

        _lose_an_event(told, patch)
        told.parts["lost"] = _measure(told)
        assert cloud.ended(_redrive(told, seconds_late=0)) == "SUCCEEDED"
        told.errors.clear()
        told.parts["calm"] = _measure(told)
        _trouble(told, patch)
        told.parts["trouble"] = _measure(told)
        yield told


def _count(told: Told, patch: pytest.MonkeyPatch) -> None:
    """Count what Lambda and EventBridge would count."""
    invoke, deliver = told.cloud.functions.invoke, told.cloud._deliver

    def counted(function: Any, payload: str) -> tuple[str, bool, str]:
        answer = invoke(function, payload)
        told.errors[function.function_name] += answer[1]
        return answer

    def matched(event: dict[str, Any]) -> None:
        told.events += 1
        deliver(event)

    patch.setattr(told.cloud.functions, "invoke", counted)
    patch.setattr(told.cloud, "_deliver", matched)


def _lose_an_event(told: Told, patch: pytest.MonkeyPatch) -> None:
    def down(**_: Any) -> None:
        raise ConnectionError("Step Functions is down")

    with patch.context() as broken:
        broken.setattr(told.cloud.client("stepfunctions", signer="events"), "start_execution", down)
        told.cloud.upload("inventory.zip", PASSING)
        awaited(lambda: _letters(told.cloud), 20, lambda: "no dead letter")


def _redrive(told: Told, seconds_late: int) -> str:
    """Start what the dead letter did not start; return its execution."""
    sqs, queue = told.cloud.client("sqs"), told.cloud.outputs["deadLetterQueue"]
    [letter] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=letter["ReceiptHandle"])
    event = json.loads(letter["Body"])
    then = time.gmtime(time.time() - seconds_late)
    event["time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", then)
    return told.cloud.client("stepfunctions").start_execution(
        stateMachineArn=told.cloud.outputs["stateMachine"],
        name=f"redrive-{event['id']}",
        input=json.dumps(event),
    )["executionArn"]


def _trouble(told: Told, patch: pytest.MonkeyPatch) -> None:
    cloud = told.cloud
    asked, unheard = (cloud.upload(f"payments/{name}.zip", FAILING) for name in ("a", "b"))
    _lose_an_event(told, patch)
    assert cloud.ended(_redrive(told, LATE)) == "SUCCEEDED"

    # Nobody decides, and the exception then given ends soon.
    cloud.reached(cloud.execution(asked), "AwaitDecision", times=2)
    assert press_late(cloud, asked).startswith("Approved")
    cloud.reached(cloud.execution(asked), "AwaitWithdrawal")

    # A press about an execution that somebody has stopped.
    cloud.reached(cloud.execution(unheard), "AwaitDecision", times=2)
    _stop(cloud.execution(unheard))
    assert "nothing follows" in press_late(cloud, unheard)

    # A key that names no app is a broken scan.
    assert cloud.ended(cloud.execution(cloud.upload("a b/x.zip", PASSING))) == "SUCCEEDED"

    # Functions that lost what they are told: a press is answered, everything else fails.
    _tell(cloud, "approval", STATE_BUCKET="gone")
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.outputs["approvalFunction"],
        Payload=json.dumps({"scan": asked, "reject": "not like this"}),
    )
    assert "AWS did not answer" in answer["Payload"].read().decode()
    for function in FUNCTIONS:
        _tell(cloud, function)
        cloud.client("lambda").invoke(FunctionName=_name(cloud, function), Payload=b"{}")
    lost = cloud.upload("inventory.zip", PASSING)
    assert cloud.ended(cloud.execution(lost)) == "FAILED"


def _stop(execution: str) -> None:
    """Stop an execution; moto's own way waits for the end of the state that it is in."""
    backend: Any = stepfunctions_parser_backends[ACCOUNT][REGION]
    [found] = [
        each
        for machine in backend.state_machines
        for each in machine.executions
        if each.exec_arn == execution
    ]
    found.exec_status = ExecutionStatus.ABORTED


def press_late(cloud: Cloud, scan: str) -> str:
    """Approve on the card that calls for a decision the second time."""
    card = card_of(cloud, scan, "still nobody")
    button = next(each for each in card.buttons if each.label == "Approve")
    return cloud.channel.press(button, {"Reason": "known and harmless"})


def _name(cloud: Cloud, function: str) -> str:
    names = [each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]]
    [name] = [each for each in names if each.split("-", 4)[4][:-6] == function]
    return name


def _tell(cloud: Cloud, function: str, **changed: str) -> None:
    """Change a function's environment; without a change, empty it."""
    client, name = cloud.client("lambda"), _name(cloud, function)
    told = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**told, **changed} if changed else {}}
    )


def _letters(cloud: Cloud) -> int:
    queue, name = cloud.outputs["deadLetterQueue"], "ApproximateNumberOfMessages"
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(attributes["Attributes"][name])


def _measure(told: Told) -> Values:
    """What was counted so far: by the filters of the logs, and by what is seen here."""
    time.sleep(1)  # the last lines are on their way
    cloud, logs = told.cloud, told.cloud.client("logs")
    filters = logs.describe_metric_filters()["metricFilters"]
    pages = logs.get_paginator("filter_log_events")
    lines = {
        group: [
            event["message"]
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        ]
        for group in {each["logGroupName"] for each in filters}
    }
    values = measured(filters, lines)
    seen = {
        "ApproximateNumberOfMessagesVisible": _letters(cloud),
        "TriggeredRules": told.events,
        "ExecutionsFailed": sum(each["status"] == "FAILED" for each in cloud.executions()),
    }
    for alarm in told.alarms.values():
        for namespace, name, dimensions in watched(alarm):
            if name in seen:
                values[namespace, name, dimensions] = [seen[name]]
            if name == "Errors":
                values[namespace, name, dimensions] = [
                    told.errors[dict(dimensions)["FunctionName"]]
                ]
    return values


def test_every_alarm_is_shown_here(told: Told):
    assert {*HAPPENED, *GIVEN, *EACH} == told.alarms.keys()


@pytest.mark.parametrize("label", HAPPENED)
def test_what_happens_sets_its_alarm_off_and_a_scan_that_passes_does_not(told: Told, label: str):
    alarm, part = told.alarms[label], told.parts[HAPPENED[label]]

    assert goes_off(alarm, [part] * alarm["EvaluationPeriods"])
    assert not goes_off(alarm, [told.parts["calm"]] * alarm["EvaluationPeriods"])


@pytest.mark.parametrize("label", GIVEN)
def test_what_only_aws_counts_sets_its_alarm_off_above_the_threshold(told: Told, label: str):
    alarm = told.alarms[label]
    [at] = watched(alarm)
    above, not_above = GIVEN[label]

    assert goes_off(alarm, [{at: [above]}])
    assert not goes_off(alarm, [{at: [not_above]}])


@pytest.mark.parametrize(("label", "source"), [(a, b) for a, each in EACH.items() for b in each])
def test_each_of_several_metrics_sets_their_alarm_off(told: Told, label: str, source: str):
    alarm = told.alarms[label]
    metrics = {
        _source(told.cloud, name, dict(dimensions)): (namespace, name, dimensions)
        for namespace, name, dimensions in watched(alarm)
    }
    above, not_above = EACH[label][source]

    assert metrics.keys() == EACH[label].keys()
    assert goes_off(alarm, [{metrics[source]: [above]}])
    # CloudWatch may not have the newest minute yet.
    assert goes_off(alarm, [{metrics[source]: [above]}, {}, {}])
    assert not goes_off(alarm, [{each: [not_above] for each in [metrics[source]]}] * 5)
    assert not goes_off(alarm, [{}])


def _source(cloud: Cloud, name: str, dimensions: dict[str, str]) -> str:
    """The function that a metric is of, or else the metric's own name."""
    function = dimensions.get("FunctionName")
    return next((each for each in FUNCTIONS if _name(cloud, each) == function), name)


@pytest.mark.parametrize("label", sorted({*HAPPENED, *GIVEN, *EACH}))
def test_an_alarm_is_shown_in_the_channel_with_what_happened_and_its_section(
    told: Told, label: str
):
    alarm = told.alarms[label]
    for topic in alarm["AlarmActions"]:
        told.cloud.client("sns").publish(TopicArn=topic, Message=message(alarm))

    shown = told.cloud.channel.wait(lambda card: alarm["AlarmName"] in card.title, 10)

    assert shown.alarm
    assert alarm["AlarmDescription"] in shown.description
    assert "docs/runbook.md#" in shown.description


def test_uploads_in_one_hour_only_are_no_alarm(told: Told):
    assert not goes_off(told.alarms["no-scans-completed"], [{}, told.parts["lost"]])
    assert not goes_off(told.alarms["no-scans-completed"], [told.parts["lost"], told.parts["calm"]])


def test_outcomes_are_counted_by_app(told: Told):
    found = {
        tuple(sorted(dict(dimensions).items())): len(values)
        for (_, name, dimensions), values in told.parts["trouble"].items()
        if name == "Outcomes"
    }

    assert found == {
        (("App", "inventory"), ("Outcome", "passed")): 2,
        (("App", "payments"), ("Outcome", "failed")): 2,
        (("App", "payments"), ("Outcome", "escalated")): 2,
        (("App", "payments"), ("Outcome", "approved")): 1,
        (("App", "payments"), ("Outcome", "expiring")): 1,
        (("App", "invalid-key"), ("Outcome", "error")): 1,
    }


def test_times_since_the_upload_are_measured(told: Told):
    values = told.parts["trouble"]

    assert max(values[metric("chatops-slack/local", "SecondsToResult")]) >= LATE
    assert len(values[metric("chatops-slack/local", "SecondsToDecision")]) == 1


def test_the_dashboard_is_there_by_the_name_in_its_address(told: Told):
    name = told.cloud.outputs["dashboardUrl"].rpartition("/")[2]
    found = told.cloud.client("cloudwatch").get_dashboard(DashboardName=name)

    assert json.loads(found["DashboardBody"])["widgets"]


@pytest.mark.parametrize(
    ("pattern", "line", "fits"),
    [
        ('{ $.a = "x" }', {"a": "x"}, True),
        ('{ $.a = "x" }', {"a": "y"}, False),
        ('{ $.a = "x" && $.n = * }', {"a": "x"}, False),
        ('{ $.a = "x" && $.n = * }', {"a": "x", "n": 0}, True),
        ("{ $.t IS TRUE }", {"t": True}, True),
        ("{ $.t IS FALSE }", {"t": True}, False),
        ("{ $.t IS FALSE }", {}, False),
    ],
)
def test_a_pattern_fits_the_lines_that_meet_all_its_conditions(pattern, line, fits):
    assert matches(pattern, line) is fits
