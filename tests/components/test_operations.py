"""What is measured and what alarms; dashboard and runbook speak of the same things."""

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
# What AWS measures, from the services' own lists of metrics: the dimensions, then the metrics.
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
    "AWS/SNS": ({"TopicName"}, "NumberOfNotificationsFailed"),
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
    """Namespace, name and dimensions of each metric that an alarm looks at."""
    metrics = [each["metric"] for each in alarm.get("metricQueries", []) if "metric" in each]
    return [
        (each["namespace"], each["metricName"], each.get("dimensions") or {})
        for each in metrics or [alarm]
    ]


def drawn(built: Built) -> list[tuple[str, str, dict[str, str]]]:
    """The same of each line of the dashboard that is no expression."""
    lines = [
        line
        for each in widgets(built)
        for line in each["properties"].get("metrics", [])
        if isinstance(line[0], str)
    ]
    found = []
    for namespace, name, *rest in lines:
        words = [each for each in rest if isinstance(each, str)]
        found.append((namespace, name, dict(zip(words[::2], words[1::2], strict=True))))
    return found


def test_every_metric_that_is_watched_or_drawn_is_one_that_is_measured(built: Built):
    ours = {each.name for each in LOG_METRICS if not each.dimensions}
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


def test_every_metric_of_the_logs_is_watched_or_drawn(built: Built):
    looked_at = str([[each.inputs for each in alarms(built)], widgets(built)])

    for each in LOG_METRICS:
        assert re.search(rf"\b{each.name}\b", looked_at), each


def test_each_filter_reads_the_logs_of_its_function_and_names_what_it_takes(built: Built):
    filters = {
        each.name: each.inputs for each in built.all("cloudwatch/logMetricFilter:LogMetricFilter")
    }

    assert filters.keys() == {f"gate-{each.label}" for each in LOG_METRICS}
    for each in LOG_METRICS:
        transformation = filters[f"gate-{each.label}"]["metricTransformation"]
        assert filters[f"gate-{each.label}"]["logGroupName"] == f"gate-{each.function}"
        assert (transformation["namespace"], transformation["name"]) == (OWN, each.name)
        # CloudWatch takes nothing from a field that the pattern does not name.
        taken = [each.value, *(transformation.get("dimensions") or {}).values()]
        assert all(field in each.pattern for field in taken if field.startswith("$"))


def test_every_alarm_notifies_the_channel_and_missing_data_does_not_set_it_off(built: Built):
    for each in alarms(built):
        assert each.inputs["alarmActions"] == ["arn:aws:sns:::gate-notifications"]
        assert each.inputs["comparisonOperator"] == "GreaterThanThreshold"
        assert each.inputs["treatMissingData"] == "notBreaching"


def test_every_function_of_the_region_has_its_alarms(built: Built):
    functions = {each.name for each in built.all("lambda/function:Function")}

    for metric in ("Errors", "Duration", "Throttles"):
        found = {
            dimensions["FunctionName"]
            for each in alarms(built)
            for namespace, name, dimensions in watched(each.inputs)
            if (namespace, name) == ("AWS/Lambda", metric)
        }
        assert found == functions


def test_near_its_time_limit_is_four_fifths_of_it(built: Built):
    limits = {
        each.name.removeprefix("gate-"): each.inputs["timeout"]
        for each in built.all("lambda/function:Function")
    }
    alarm = built.one("cloudwatch/metricAlarm:MetricAlarm", "gate-functions-near-timeout").inputs
    [expression] = [each["expression"] for each in alarm["metricQueries"] if "expression" in each]
    divided = re.findall(r"FILL\((\w+), 0\) / (\d+)", expression)

    assert alarm["threshold"] == 80
    # Milliseconds to percent of a limit in seconds.
    assert {name.replace("_", "-"): int(by) for name, by in divided} == {
        name: seconds * 1000 / 100 for name, seconds in limits.items()
    }


def test_expressions_keep_to_what_cloudwatch_takes_in_an_alarm(built: Built):
    watching = [each.inputs for each in alarms(built) if each.inputs.get("metricQueries")]

    assert watching
    for each in watching:
        [expression] = [row for row in each["metricQueries"] if "expression" in row]
        ids = [row["id"] for row in each["metricQueries"] if "metric" in row]
        assert expression["returnData"] is True
        assert "SEARCH" not in expression["expression"]
        assert 1 < len(ids) <= 10
        assert all(re.fullmatch(r"[a-z]\w*", name) for name in ids)
        assert len(watched(each)) == len(set(map(str, watched(each)))) == len(ids)
        used = set(re.findall(r"\b[a-z]\w*\b", expression["expression"]))
        assert used == set(ids) or "METRICS()" in expression["expression"]


def test_an_alarm_with_more_metrics_than_cloudwatch_takes_is_refused():
    function = SimpleNamespace(name="f", timeout_seconds=10)
    many: Any = SimpleNamespace(
        namespace="n", state_machine_arn="m", functions={f"f{n}": function for n in range(10)}
    )

    with pytest.raises(ValueError, match="throttled: 11 metrics, CloudWatch takes 10"):
        _executions(many)


def test_what_several_metrics_set_off_is_drawn_one_by_one(built: Built):
    """Such an alarm does not say which: the dashboard does."""
    several = [each for each in alarms(built) if len(watched(each.inputs)) > 1]

    for alarm in several:
        assert [each for each in watched(alarm.inputs) if each not in drawn(built)] == []


def test_the_docs_count_alarms_and_what_they_are_billed_for(built: Built):
    count, metrics = len(alarms(built)), sum(len(watched(each.inputs)) for each in alarms(built))
    own = len({each.name for each in LOG_METRICS if not each.dimensions})

    for page in ("cost.md", "operations.md"):
        text = " ".join((PROGRAM / "docs" / page).read_text().split())
        assert f"{count} alarms over {metrics} metrics" in text, (count, metrics)
    assert f"{own} metrics" in (PROGRAM / "docs" / "cost.md").read_text(), own


def test_a_result_is_late_once_it_took_longer_than_a_build_may():
    late = program(buildTimeout="45m").one(
        "cloudwatch/metricAlarm:MetricAlarm", "gate-results-late"
    )

    assert late.inputs["threshold"] == 45 * 60


def test_ses_counts_what_the_alarms_watch_for_the_set_that_mail_is_sent_with(built: Built):
    made = built.one("sesv2/configurationSetEventDestination:ConfigurationSetEventDestination")
    destination = made.inputs["eventDestination"]
    [dimension] = destination["cloudWatchDestination"]["dimensionConfigurations"]
    sent = built.one("lambda/function:Function", "gate-notify").inputs["environment"]["variables"]
    mail = [
        metric
        for each in alarms(built)
        for metric in watched(each.inputs)
        if metric[0] == "AWS/SES"
    ]

    assert destination["enabled"] is True
    assert made.inputs["configurationSetName"] == sent["CONFIGURATION_SET"]
    assert {name.upper() for _, name, _ in mail} == {
        each.replace("_", "") for each in destination["matchingEventTypes"]
    } - {"SEND"}
    for _, _, dimensions in mail:
        assert dimensions == {dimension["dimensionName"]: sent["CONFIGURATION_SET"]}


def test_the_dashboard_fills_its_rows_and_shows_every_alarm(built: Built):
    shown = widgets(built)
    rows = {each["y"] for each in shown}

    for row in rows:
        across = sorted((each["x"], each["width"]) for each in shown if each["y"] == row)
        assert across[0][0] == 0
        assert sum(width for _, width in across) == 24
        for (x, width), (after, _) in itertools.pairwise(across):
            assert x + width == after
    [overview] = [each["properties"] for each in shown if each["type"] == "alarm"]
    assert len(overview["alarms"]) == len(alarms(built)) == len(set(overview["alarms"]))


def test_every_expression_of_the_dashboard_names_lines_of_its_widget(built: Built):
    for each in widgets(built):
        named = [
            line[-1] for line in each["properties"].get("metrics", []) if isinstance(line[-1], dict)
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


def test_each_alarm_names_the_section_that_is_about_it_and_each_section_its_alarms(built: Built):
    named: dict[str, set[str]] = {}
    for each in alarms(built):
        told = re.fullmatch(
            r".+[.] What to do: docs/runbook\.md#([a-z-]+)", each.inputs["alarmDescription"]
        )
        assert told, each.name
        named.setdefault(told[1], set()).add(each.name.removeprefix("gate-"))
    about = {
        title: set(re.findall(r"`([a-z-]+)`", text.strip().partition("\n\n")[0]))
        for title, text in sections().items()
    }

    assert about == named


@pytest.mark.parametrize("title", sections())
def test_each_section_says_what_it_means_and_how_to_look_fix_and_see_the_end(
    title: str,
):
    assert re.findall(r"^- \*\*(.+?)[.]?\*\*", sections()[title], re.M) == list(PARTS)


def test_every_link_inside_the_runbook_leads_to_a_section():
    links = set(re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK))

    assert links
    assert links <= sections().keys()
