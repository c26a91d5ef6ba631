"""Each alarm goes off when its incident happens, and is shown in the channel."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.account import ACCOUNT, REGION, LocalAccount, wait_until
from tests.local.cloudwatch import Values, goes_off, matches, measured, message, metric, watched
from tests.support.account import (
    FAILING,
    PASSING,
    card_of,
    change_states,
    client_of_uploads_rule,
    disable_retries,
)

pytestmark = pytest.mark.slow

FUNCTIONS = (
    "approval",
    "rescan",
    "notify",
    "check-build-status",
    "callback",
    "open-scan",
    "uploader",
)
LATE = 2 * 3600  # seconds
# The incidents below, each with the part of the run in which it happens.
HAPPENED = {
    "dead-letters": "lost",
    "no-scans-completed": "lost",
    "executions-ended-early": "errors",
    "scan-errors": "errors",
    "results-late": "errors",
    "function-errors": "errors",
    "button-errors": "errors",
    "resume-failed": "errors",
    "approvals-expiring": "errors",
}
# Metrics that only AWS emits: the smallest value that sets the alarm off, and one that does not.
GIVEN = {
    "dead-letter-delivery-failed": (1, 0),
    "starts-retried": (11, 10),
    "builds-queued": (601, 600),
}
# Numbers of notifications that were published and delivered in each period of five minutes, and
# whether one of them is lost.
UNDELIVERED = "notifications-undelivered"
NOTIFICATIONS = {
    "delivered at once": ([(3, 3), (0, 0)], False),
    "delivered by a later try, in the next period": ([(1, 0), (0, 1)], False),
    "the same, among others": ([(5, 4), (7, 8), (0, 0)], False),
    "still being tried": ([(0, 0), (1, 0)], False),
    "given up": ([(1, 0), (0, 0)], True),
    "one of several given up": ([(5, 4), (2, 2)], True),
    "given up, and the next one is being tried": ([(1, 0), (1, 0)], True),
    "without a subscription": ([(1, None), (2, None)], True),
}
# The same for alarms with several metrics: each of them alone sets the alarm off.
SECONDS = {"open-scan": 60, "notify": 30, "check-build-status": 30, "callback": 60}
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
class Observed:
    """An account after the incidents; ``parts`` are the metrics of each part of the run."""

    cloud: LocalAccount
    alarms: dict[str, dict[str, Any]]
    parts: dict[str, Values] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    events: int = 0


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    waits = {"decisionWindow": "90s", "escalateBefore": "85s"}
    holds = {"exceptionPeriod": "2m", "remindBefore": "110s"}
    with LocalAccount({**waits, **holds}) as cloud, pytest.MonkeyPatch.context() as patch:
        change_states(cloud, disable_retries)
        result = cloud.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
        observed = Observed(
            cloud, {item["AlarmName"].split("-", 4)[4][:-6]: item for item in result}
        )
        _count(observed, patch)

        _lose_an_event(observed, patch)
        observed.parts["lost"] = _measure(observed)
        assert cloud.ended(_redrive(observed, seconds_late=0)) == "SUCCEEDED"
        observed.errors.clear()
        observed.parts["calm"] = _measure(observed)
        _cause_errors(observed, patch)
        observed.parts["errors"] = _measure(observed)
        yield observed


def _count(observed: Observed, patch: pytest.MonkeyPatch) -> None:
    """Count what Lambda and EventBridge would count."""
    invoke, deliver = observed.cloud.functions.invoke, observed.cloud._deliver

    def counted(function: Any, payload: str) -> tuple[str, bool, str]:
        answer = invoke(function, payload)
        observed.errors[function.function_name] += answer[1]
        return answer

    def matched(event: dict[str, Any]) -> None:
        observed.events += 1
        deliver(event)

    patch.setattr(observed.cloud.functions, "invoke", counted)
    patch.setattr(observed.cloud, "_deliver", matched)


def _lose_an_event(observed: Observed, patch: pytest.MonkeyPatch) -> None:
    def down(**_: Any) -> None:
        raise ConnectionError("Step Functions is down")

    with patch.context() as failing:
        failing.setattr(client_of_uploads_rule(observed.cloud), "start_execution", down)
        observed.cloud.upload("inventory.zip", PASSING)
        wait_until(lambda: _dead_letters(observed.cloud), 20, lambda: "no dead letter")


def _redrive(observed: Observed, seconds_late: int) -> str:
    """Start the execution of the dead letter's event, and return it."""
    sqs, queue = observed.cloud.client("sqs"), observed.cloud.outputs["deadLetterQueue"]
    [dead_letter] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=dead_letter["ReceiptHandle"])
    event = json.loads(dead_letter["Body"])
    then = time.gmtime(time.time() - seconds_late)
    event["time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", then)
    return observed.cloud.client("stepfunctions").start_execution(
        stateMachineArn=observed.cloud.outputs["stateMachine"],
        name=f"redrive-{event['id']}",
        input=json.dumps(event),
    )["executionArn"]


def _cause_errors(observed: Observed, patch: pytest.MonkeyPatch) -> None:
    cloud = observed.cloud
    requests, not_resumed = (cloud.upload(f"payments/{name}.zip", FAILING) for name in ("a", "b"))
    for scan in (requests, not_resumed):
        cloud.execution(scan)  # so that the event that is lost is of neither
    _lose_an_event(observed, patch)
    assert cloud.ended(_redrive(observed, LATE)) == "SUCCEEDED"

    # Nobody decides until the escalation; the approval then expires soon, after a reminder.
    cloud.reached(cloud.execution(requests), "AwaitDecision", times=2)
    assert click_late(cloud, requests).startswith("Approved")
    cloud.reached(cloud.execution(requests), "AwaitWithdrawal", times=2)

    # A click about an execution that somebody has stopped.
    cloud.reached(cloud.execution(not_resumed), "AwaitDecision", times=2)
    _stop(cloud.execution(not_resumed))
    assert "nothing follows" in click_late(cloud, not_resumed)

    # A key that names no app is a scan that failed to run.
    assert cloud.ended(cloud.execution(cloud.upload("a b/x.zip", PASSING))) == "SUCCEEDED"

    # Functions without their environment: a click is answered, everything else fails.
    approval, open_scan = (_environment(cloud, name) for name in ("approval", "open-scan"))
    _set_environment(cloud, "approval", {**approval, "STATE_BUCKET": "gone"})
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.outputs["approvalFunction"],
        Payload=json.dumps({"scan": requests, "reject": "not like this"}),
    )
    assert "AWS error" in answer["Payload"].read().decode()
    for function in FUNCTIONS:
        _set_environment(cloud, function, {})
        cloud.client("lambda").invoke(FunctionName=_name(cloud, function), Payload=b"{}")
    # A scan that is opened, then neither gets a result nor can report that.
    _set_environment(cloud, "open-scan", open_scan)
    lost = cloud.upload("inventory.zip", PASSING)
    assert cloud.ended(cloud.execution(lost)) == "FAILED"


def _stop(execution: str) -> None:
    """Stop an execution; moto's own function waits for the end of its current state."""
    backend: Any = stepfunctions_parser_backends[ACCOUNT][REGION]
    [result] = [
        item
        for machine in backend.state_machines
        for item in machine.executions
        if item.exec_arn == execution
    ]
    result.exec_status = ExecutionStatus.ABORTED


def click_late(cloud: LocalAccount, scan: str) -> str:
    """Approve on the card of the escalation."""
    card = card_of(cloud, scan, "decision still pending")
    button = next(item for item in card.buttons if item.label == "Approve")
    return cloud.channel.click(button, {"Reason": "known and harmless"})


def _name(cloud: LocalAccount, function: str) -> str:
    names = [item["FunctionName"] for item in cloud.client("lambda").list_functions()["Functions"]]
    [name] = [item for item in names if item.split("-", 4)[4][:-6] == function]
    return name


def _environment(cloud: LocalAccount, function: str) -> dict[str, str]:
    """Return a function's environment variables."""
    client, name = cloud.client("lambda"), _name(cloud, function)
    return client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]


def _set_environment(cloud: LocalAccount, function: str, variables: dict[str, str]) -> None:
    """Give a function these environment variables, and no others."""
    cloud.client("lambda").update_function_configuration(
        FunctionName=_name(cloud, function), Environment={"Variables": variables}
    )


def _dead_letters(cloud: LocalAccount) -> int:
    queue, name = cloud.outputs["deadLetterQueue"], "ApproximateNumberOfMessages"
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(attributes["Attributes"][name])


def _measure(observed: Observed) -> Values:
    """The metrics so far: of the log filters, and those counted here."""
    time.sleep(1)  # the last lines may still be in transit
    cloud, logs = observed.cloud, observed.cloud.client("logs")
    filters = logs.describe_metric_filters()["metricFilters"]
    pages = logs.get_paginator("filter_log_events")
    lines = {
        group: [
            event["message"]
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        ]
        for group in {metric_filter["logGroupName"] for metric_filter in filters}
    }
    values = measured(filters, lines)
    seen = {
        "ApproximateNumberOfMessagesVisible": _dead_letters(cloud),
        "TriggeredRules": observed.events,
        "ExecutionsFailed": sum(
            execution["status"] == "FAILED" for execution in cloud.executions()
        ),
    }
    for alarm in observed.alarms.values():
        for namespace, name, dimensions in watched(alarm):
            if name in seen:
                values[namespace, name, dimensions] = [seen[name]]
            if name == "Errors":
                values[namespace, name, dimensions] = [
                    observed.errors[dict(dimensions)["FunctionName"]]
                ]
    return values


def test_every_alarm_has_a_case(observed: Observed):
    assert {*HAPPENED, *GIVEN, *EACH, UNDELIVERED} == observed.alarms.keys()


@pytest.mark.parametrize("label", HAPPENED)
def test_each_incident_sets_off_its_alarm_and_a_passed_scan_sets_off_none(
    observed: Observed, label: str
):
    alarm, part = observed.alarms[label], observed.parts[HAPPENED[label]]

    assert goes_off(alarm, [part] * alarm["EvaluationPeriods"])
    assert not goes_off(alarm, [observed.parts["calm"]] * alarm["EvaluationPeriods"])


@pytest.mark.parametrize("label", GIVEN)
def test_a_metric_of_aws_sets_off_its_alarm_above_the_threshold(observed: Observed, label: str):
    alarm = observed.alarms[label]
    [at] = watched(alarm)
    above, not_above = GIVEN[label]

    assert goes_off(alarm, [{at: [above]}])
    assert not goes_off(alarm, [{at: [not_above]}])


@pytest.mark.parametrize(("label", "source"), [(a, b) for a, item in EACH.items() for b in item])
def test_each_metric_of_an_alarm_can_set_it_off(observed: Observed, label: str, source: str):
    alarm = observed.alarms[label]
    metrics = {
        _source(observed.cloud, name, dict(dimensions)): (namespace, name, dimensions)
        for namespace, name, dimensions in watched(alarm)
    }
    above, not_above = EACH[label][source]

    assert metrics.keys() == EACH[label].keys()
    assert goes_off(alarm, [{metrics[source]: [above]}])
    # CloudWatch may not have the newest minute yet.
    assert goes_off(alarm, [{metrics[source]: [above]}, {}, {}])
    assert not goes_off(alarm, [{item: [not_above] for item in [metrics[source]]}] * 5)
    assert not goes_off(alarm, [{}])


def _source(cloud: LocalAccount, name: str, dimensions: dict[str, str]) -> str:
    """The function that a metric is of, or else the metric's own name."""
    function = dimensions.get("FunctionName")
    return next((item for item in FUNCTIONS if _name(cloud, item) == function), name)


@pytest.mark.parametrize("case", NOTIFICATIONS)
def test_notifications_are_undelivered_once_no_try_can_deliver_them(observed: Observed, case: str):
    alarm = observed.alarms[UNDELIVERED]
    published, delivered = watched(alarm)
    periods, lost = NOTIFICATIONS[case]

    assert [published[1], delivered[1]] == [
        "NumberOfMessagesPublished",
        "NumberOfNotificationsDelivered",
    ]
    values: list[Values] = [
        {
            at: [number]
            for at, number in zip((published, delivered), period, strict=True)
            if number is not None
        }
        for period in periods
    ]
    assert goes_off(alarm, [{}, *values]) is lost


@pytest.mark.parametrize("label", sorted({*HAPPENED, *GIVEN, *EACH, UNDELIVERED}))
def test_an_alarm_is_shown_in_the_channel_with_its_reason_and_runbook_section(
    observed: Observed, label: str
):
    alarm = observed.alarms[label]
    for topic in alarm["AlarmActions"]:
        observed.cloud.client("sns").publish(TopicArn=topic, Message=message(alarm))

    buttons_of = observed.cloud.channel.wait(lambda card: alarm["AlarmName"] in card.title, 10)

    assert buttons_of.alarm
    assert alarm["AlarmDescription"] in buttons_of.description
    assert "docs/runbook.md#" in buttons_of.description


def test_uploads_in_a_single_hour_set_off_no_alarm(observed: Observed):
    assert not goes_off(observed.alarms["no-scans-completed"], [{}, observed.parts["lost"]])
    assert not goes_off(
        observed.alarms["no-scans-completed"], [observed.parts["lost"], observed.parts["calm"]]
    )


def test_outcomes_are_counted_by_app(observed: Observed):
    result = {
        tuple(sorted(dict(dimensions).items())): len(values)
        for (_, name, dimensions), values in observed.parts["errors"].items()
        if name == "Outcomes"
    }

    assert result == {
        (("App", "inventory"), ("Outcome", "passed")): 2,
        (("App", "payments"), ("Outcome", "failed")): 2,
        (("App", "payments"), ("Outcome", "escalated")): 2,
        (("App", "payments"), ("Outcome", "approved")): 1,
        (("App", "payments"), ("Outcome", "expiring")): 1,
        (("App", "invalid-key"), ("Outcome", "error")): 1,
    }


def test_times_since_the_upload_are_measured(observed: Observed):
    values, namespace = observed.parts["errors"], "chatops-slack/local/gate"

    assert max(values[metric(namespace, "SecondsToResult")]) >= LATE
    assert len(values[metric(namespace, "SecondsToDecision")]) == 1


def test_the_dashboard_exists_under_the_name_in_its_url(observed: Observed):
    name = observed.cloud.outputs["dashboardUrl"].rpartition("/")[2]
    result = observed.cloud.client("cloudwatch").get_dashboard(DashboardName=name)

    assert json.loads(result["DashboardBody"])["widgets"]


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
def test_a_pattern_matches_lines_that_meet_all_its_conditions(pattern, line, fits):
    assert matches(pattern, line) is fits
