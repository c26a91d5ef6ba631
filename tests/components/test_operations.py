"""Metrics, alarms, dashboard and runbook are about the same things."""

import itertools
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from components.alarms import _executions
from components.log_metrics import LOG_METRICS
from tests.support.recording import PROGRAM, Built, Resource, program

RUNBOOK = (PROGRAM / "docs" / "runbook.md").read_text()
PARTS = ("What it means", "Lost or late", "Look", "Fix", "Over when")
# AWS's own metrics, from the services' documentation: the dimensions, then the metrics.
KNOWN = {
    "AWS/CodeBuild": (
        {"ProjectName"},
        "QueuedDuration ProvisioningDuration DownloadSourceDuration InstallDuration "
        "PreBuildDuration BuildDuration PostBuildDuration Duration",
    ),
    "AWS/Events": (
        {"RuleName"},
        "TriggeredRules RetryInvocationAttempts InvocationsFailedToBeSentToDlq",
    ),
    "AWS/Lambda": ({"FunctionName"}, "Errors Duration Throttles Invocations"),
    "AWS/Logs": ({"LogGroupName"}, "IncomingBytes"),
    "AWS/S3": ({"BucketName", "StorageType"}, "BucketSizeBytes"),
    "AWS/SES": ({"ses:configuration-set"}, "Bounce Complaint Reject DeliveryDelay"),
    "AWS/SNS": (
        {"TopicName"},
        "NumberOfMessagesPublished NumberOfNotificationsDelivered NumberOfNotificationsFailed",
    ),
    "AWS/SQS": ({"QueueName"}, "ApproximateNumberOfMessagesVisible"),
    "AWS/States": (
        {"StateMachineArn"},
        "ExecutionsFailed ExecutionsTimedOut ExecutionsAborted ExecutionThrottled "
        "ExecutionsStarted",
    ),
}
OWN = "chatops-slack/dev/gate"


@pytest.fixture(scope="module")
def built() -> Built:
    return program()


def alarms(built: Built) -> list[Resource]:
    return built.all("cloudwatch/metricAlarm:MetricAlarm")


def widgets(built: Built) -> list[dict[str, Any]]:
    return json.loads(built.one("cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])[
        "widgets"
    ]


def watched(alarm: dict[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric that an alarm watches."""
    metrics = [
        metric_query["metric"]
        for metric_query in alarm.get("metricQueries", [])
        if "metric" in metric_query
    ]
    return [
        (metric["namespace"], metric["metricName"], metric.get("dimensions") or {})
        for metric in metrics or [alarm]
    ]


def drawn(built: Built) -> list[tuple[str, str, dict[str, str]]]:
    """The same for each line of the dashboard that is not an expression."""
    lines = [
        line
        for widget in widgets(built)
        for line in widget["properties"].get("metrics", [])
        if isinstance(line[0], str)
    ]
    result = []
    for namespace, name, *rest in lines:
        words = [item for item in rest if isinstance(item, str)]
        result.append((namespace, name, dict(zip(words[::2], words[1::2], strict=True))))
    return result


def test_every_metric_of_an_alarm_or_widget_is_emitted(built: Built):
    ours = {log_metric.name for log_metric in LOG_METRICS if not log_metric.dimensions}
    looked_at = [
        *(metric for alarm in alarms(built) for metric in watched(alarm.inputs)),
        *drawn(built),
    ]

    for namespace, name, dimensions in looked_at:
        if namespace == OWN:
            assert (name in ours, dimensions) == (True, {})
        else:
            known, names = KNOWN[namespace]
            assert name in names.split()
            assert dimensions.keys() == known
    assert {namespace for namespace, _, _ in looked_at} == {*KNOWN, OWN}


def test_every_log_metric_has_an_alarm_or_a_widget(built: Built):
    looked_at = str([[alarm.inputs for alarm in alarms(built)], widgets(built)])

    for log_metric in LOG_METRICS:
        assert re.search(rf"\b{log_metric.name}\b", looked_at), log_metric


def test_each_metric_filter_reads_the_logs_of_its_function(built: Built):
    filters = {
        metric_filter.name: metric_filter.inputs
        for metric_filter in built.all("cloudwatch/logMetricFilter:LogMetricFilter")
    }

    assert filters.keys() == {f"gate-{log_metric.label}" for log_metric in LOG_METRICS}
    for log_metric in LOG_METRICS:
        transformation = filters[f"gate-{log_metric.label}"]["metricTransformation"]
        assert filters[f"gate-{log_metric.label}"]["logGroupName"] == f"gate-{log_metric.function}"
        assert (transformation["namespace"], transformation["name"]) == (OWN, log_metric.name)
        # CloudWatch takes nothing from a field that the pattern does not name.
        taken = [log_metric.value, *(transformation.get("dimensions") or {}).values()]
        assert all(field in log_metric.pattern for field in taken if field.startswith("$"))


def test_every_alarm_notifies_the_channel_and_missing_data_does_not_set_it_off(built: Built):
    for alarm in alarms(built):
        assert alarm.inputs["alarmActions"] == ["arn:aws:sns:::gate-notifications"]
        assert alarm.inputs["comparisonOperator"] == "GreaterThanThreshold"
        assert alarm.inputs["treatMissingData"] == "notBreaching"


def test_every_function_of_the_region_has_its_alarms(built: Built):
    functions = {function.name for function in built.all("lambda/function:Function")}

    for metric in ("Errors", "Duration", "Throttles"):
        result = {
            dimensions["FunctionName"]
            for alarm in alarms(built)
            for namespace, name, dimensions in watched(alarm.inputs)
            if (namespace, name) == ("AWS/Lambda", metric)
        }
        assert result == functions


def test_the_alarm_about_durations_is_at_four_fifths_of_the_timeout(built: Built):
    limits = {
        function.name.removeprefix("gate-"): function.inputs["timeout"]
        for function in built.all("lambda/function:Function")
    }
    alarm = built.one("cloudwatch/metricAlarm:MetricAlarm", "gate-functions-near-timeout").inputs
    [expression] = [
        metric_query["expression"]
        for metric_query in alarm["metricQueries"]
        if "expression" in metric_query
    ]
    divided = re.findall(r"FILL\((\w+), 0\) / (\d+)", expression)

    assert alarm["threshold"] == 80
    # Milliseconds to percent of a limit in seconds.
    assert {name.replace("_", "-"): int(by) for name, by in divided} == {
        name: seconds * 1000 / 100 for name, seconds in limits.items()
    }


def test_alarm_expressions_are_within_the_limits_of_cloudwatch(built: Built):
    watching = [alarm.inputs for alarm in alarms(built) if alarm.inputs.get("metricQueries")]

    assert watching
    for item in watching:
        [expression] = [row for row in item["metricQueries"] if "expression" in row]
        ids = [row["id"] for row in item["metricQueries"] if "metric" in row]
        assert expression["returnData"] is True
        assert "SEARCH" not in expression["expression"]
        assert 1 < len(ids) <= 10
        assert all(re.fullmatch(r"[a-z]\w*", name) for name in ids)
        assert len(watched(item)) == len(set(map(str, watched(item)))) == len(ids)
        used = set(re.findall(r"\b[a-z]\w*\b", expression["expression"]))
        assert used == set(ids) or "METRICS()" in expression["expression"]


def test_an_alarm_with_more_metrics_than_cloudwatch_takes_is_refused():
    function = SimpleNamespace(name="f", timeout_seconds=10)
    many: Any = SimpleNamespace(
        namespace="n", state_machine_arn="m", functions={f"f{n}": function for n in range(10)}
    )

    with pytest.raises(ValueError, match="throttled: 11 metrics, CloudWatch takes 10"):
        _executions(many)


def test_the_dashboard_draws_each_metric_of_an_alarm_with_several(built: Built):
    """Such an alarm does not say which metric set it off; the dashboard shows it."""
    with_many_metrics = [item for item in alarms(built) if len(watched(item.inputs)) > 1]

    for alarm in with_many_metrics:
        assert [item for item in watched(alarm.inputs) if item not in drawn(built)] == []


def test_the_docs_count_alarms_and_what_they_are_billed_for(built: Built):
    count, metrics = len(alarms(built)), sum(len(watched(alarm.inputs)) for alarm in alarms(built))
    own = len({log_metric.name for log_metric in LOG_METRICS if not log_metric.dimensions})

    for page in ("cost.md", "operations.md"):
        text = " ".join((PROGRAM / "docs" / page).read_text().split())
        assert f"{count} alarms over {metrics} metrics" in text, (count, metrics)
    assert f"{own} metrics" in (PROGRAM / "docs" / "cost.md").read_text(), own


@pytest.mark.slow
def test_a_result_is_late_once_it_took_longer_than_a_build_may():
    late = program(buildTimeout="45m").one(
        "cloudwatch/metricAlarm:MetricAlarm", "gate-results-late"
    )

    assert late.inputs["threshold"] == 45 * 60


def test_email_is_sent_with_the_configuration_set_that_alarms_watch(built: Built):
    made = built.one("sesv2/configurationSetEventDestination:ConfigurationSetEventDestination")
    destination = made.inputs["eventDestination"]
    [dimension] = destination["cloudWatchDestination"]["dimensionConfigurations"]
    sent = built.one("lambda/function:Function", "gate-notify").inputs["environment"]["variables"]
    mail = [
        metric
        for alarm in alarms(built)
        for metric in watched(alarm.inputs)
        if metric[0] == "AWS/SES"
    ]

    assert destination["enabled"] is True
    assert made.inputs["configurationSetName"] == sent["CONFIGURATION_SET"]
    assert {name.upper() for _, name, _ in mail} == {
        matching_event_type.replace("_", "")
        for matching_event_type in destination["matchingEventTypes"]
    } - {"SEND"}
    for _, _, dimensions in mail:
        assert dimensions == {dimension["dimensionName"]: sent["CONFIGURATION_SET"]}


def test_the_dashboard_fills_its_rows_and_shows_every_alarm(built: Built):
    displayed = widgets(built)
    rows = {item["y"] for item in displayed}

    for row in rows:
        across = sorted((item["x"], item["width"]) for item in displayed if item["y"] == row)
        assert across[0][0] == 0
        assert sum(width for _, width in across) == 24
        for (x, width), (after, _) in itertools.pairwise(across):
            assert x + width == after
    [overview] = [item["properties"] for item in displayed if item["type"] == "alarm"]
    assert len(overview["alarms"]) == len(alarms(built)) == len(set(overview["alarms"]))


def test_every_expression_of_the_dashboard_names_lines_of_its_widget(built: Built):
    for widget in widgets(built):
        named = [
            line[-1]
            for line in widget["properties"].get("metrics", [])
            if isinstance(line[-1], dict)
        ]
        ids = {line["id"] for line in named if "id" in line}
        for line in named:
            formula = re.sub(r"SEARCH\('.*?'Sum', \d+\)", "", line.get("expression", ""))
            used = set(re.findall(r"\b[a-z]\w*\b", formula))
            assert used <= ids, line


def anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def sections() -> dict[str, str]:
    _, *parts = re.split(r"^## ", RUNBOOK, flags=re.M)
    return {anchor(part.partition("\n")[0]): part.partition("\n")[2] for part in parts}


def test_each_alarm_links_its_runbook_section_and_each_section_its_alarms(built: Built):
    named: dict[str, set[str]] = {}
    for alarm in alarms(built):
        settings_with = re.fullmatch(
            r".+[.] What to do: docs/runbook\.md#([a-z-]+)", alarm.inputs["alarmDescription"]
        )
        assert settings_with, alarm.name
        named.setdefault(settings_with[1], set()).add(alarm.name.removeprefix("gate-"))
    about = {
        title: set(re.findall(r"`([a-z-]+)`", text.strip().partition("\n\n")[0]))
        for title, text in sections().items()
    }

    assert about == named


@pytest.mark.parametrize("title", sections())
def test_each_runbook_section_says_how_to_diagnose_fix_and_confirm(
    title: str,
):
    assert re.findall(r"^- \*\*(.+?)[.]?\*\*", sections()[title], re.M) == list(PARTS)


def test_every_link_inside_the_runbook_leads_to_a_section():
    links = set(re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK))

    assert links
    assert links <= sections().keys()
