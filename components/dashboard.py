"""The dashboard of one environment, as the body for CloudWatch's PutDashboard.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Sequence
from typing import Any

import pulumi

from components.approval import MAIL_DIMENSION, MAIL_EVENTS
from components.watched import Watched

# A row is 24 wide.
WIDTH, HEIGHT = 24, 6
HOUR, DAY = 3600, 24 * 3600
OUTCOMES = (
    "passed",
    "failed",
    "error",
    "approved",
    "rejected",
    "request-expired",
    "superseded",
    "withdrawn",
    "approval-expired",
)
PHASES = ("Queued", "Provisioning", "DownloadSource", "Install", "PreBuild", "Build", "PostBuild")

Widget = dict[str, Any]
# ``[namespace, name, dimension, value, ..., options]``, or ``[options]`` of an expression.
Line = list[Any]


def body(watched: Watched, alarms: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    """Return the body, rows of widgets from top to bottom; ``alarms`` are ARNs."""
    rows = (
        [_alarms(alarms)],
        [_uploads(watched), _outcomes(watched), _outcomes_by_app(watched)],
        [_waiting(watched), _seconds_to_decision(watched), _seconds_to_result(watched)],
        [_build_phases(watched), _functions(watched), _notifications(watched)],
        [_executions(watched), _errors(watched), _throttles(watched), _mail(watched)],
        [_build_minutes(watched), _calls(watched), _storage(watched), _logs(watched)],
    )
    return {
        "widgets": [
            {
                **widget,
                "x": place * WIDTH // len(row),
                "y": number * HEIGHT,
                "width": WIDTH // len(row),
                "height": HEIGHT,
            }
            for number, row in enumerate(rows)
            for place, widget in enumerate(row)
        ]
    }


def _alarms(arns: Sequence[pulumi.Input[str]]) -> Widget:
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": arns}}


def _uploads(watched: Watched) -> Widget:
    machine = ("StateMachineArn", watched.state_machine_arn)
    lines = [
        ["AWS/Events", "TriggeredRules", "RuleName", watched.rule, {"label": "uploads"}],
        ["AWS/States", "ExecutionsStarted", *machine, {"label": "executions started"}],
        [watched.namespace, "ScansCompleted", {"label": "scans completed"}],
    ]
    return _graph(watched, "Uploads per hour", lines)


def _outcomes(watched: Watched) -> Widget:
    lines = [
        _expression(f"SUM({_search(watched, outcome)})", f"o{number}", outcome)
        for number, outcome in enumerate(OUTCOMES)
    ]
    return _graph(watched, "Outcomes per hour", lines, stacked=True)


def _outcomes_by_app(watched: Watched) -> Widget:
    return _graph(watched, "Outcomes per app and hour", [_expression(_search(watched), "apps", "")])


def _waiting(watched: Watched) -> Widget:
    """Open requests: no metric counts them, so it is the opened ones minus the closed ones."""
    closed = ("approved", "rejected", "request-expired", "superseded")
    lines = [
        _expression(f"SUM({_search(watched, 'failed')})", "opened", "opened"),
        _expression(f"SUM({_search(watched, *closed)})", "closed", "closed"),
        _expression(
            "RUNNING_SUM(FILL(opened, 0) - FILL(closed, 0))", "open", "more open than at the left"
        ),
        _expression(f"SUM({_search(watched, 'escalated')})", "escalated", "escalated"),
    ]
    return _graph(watched, "Requests for a decision", lines)


def _seconds_to_decision(watched: Watched) -> Widget:
    return _graph(
        watched, "Seconds from upload to decision", _spread(watched.namespace, "SecondsToDecision")
    )


def _seconds_to_result(watched: Watched) -> Widget:
    return _graph(
        watched, "Seconds from upload to gate result", _spread(watched.namespace, "SecondsToResult")
    )


def _build_phases(watched: Watched) -> Widget:
    lines = [
        ["AWS/CodeBuild", f"{phase}Duration", "ProjectName", watched.project, {"label": phase}]
        for phase in PHASES
    ]
    return _graph(watched, "Seconds per step of a build", lines, statistic="Average", stacked=True)


def _functions(watched: Watched) -> Widget:
    lines = _of_functions(watched, "Duration")
    return _graph(watched, "Longest milliseconds per function", lines, statistic="Maximum")


def _notifications(watched: Watched) -> Widget:
    lines = [
        ["AWS/SNS", name, "TopicName", watched.topic, {"label": label}]
        for name, label in (
            ("NumberOfMessagesPublished", "published"),
            ("NumberOfNotificationsDelivered", "delivered"),
            ("NumberOfNotificationsFailed", "tries that failed"),
        )
    ]
    return _graph(watched, "Notifications", lines)


def _executions(watched: Watched) -> Widget:
    lines = [
        ["AWS/States", name, "StateMachineArn", watched.state_machine_arn, {"label": label}]
        for name, label in (
            ("ExecutionsFailed", "failed"),
            ("ExecutionsTimedOut", "timed out"),
            ("ExecutionsAborted", "stopped"),
        )
    ]
    return _graph(watched, "Executions that ended early", lines)


def _errors(watched: Watched) -> Widget:
    return _graph(watched, "Errors per function", _of_functions(watched, "Errors"))


def _throttles(watched: Watched) -> Widget:
    machine = ["AWS/States", "ExecutionThrottled", "StateMachineArn", watched.state_machine_arn]
    lines = [[*machine, {"label": "executions"}], *_of_functions(watched, "Throttles")]
    return _graph(watched, "Throttled: executions, and calls per function", lines)


def _mail(watched: Watched) -> Widget:
    lines = [
        ["AWS/SES", name, MAIL_DIMENSION, watched.configuration_set, {"label": name}]
        for event, name in MAIL_EVENTS.items()
        if event != "SEND"
    ]
    return _graph(watched, "Emails that did not arrive", lines)


def _build_minutes(watched: Watched) -> Widget:
    seconds = ["AWS/CodeBuild", "Duration", "ProjectName", watched.project]
    lines = [
        [*seconds, {"id": "seconds", "visible": False}],
        _expression("seconds / 60", "minutes", "build minutes"),
    ]
    return _graph(watched, "Cost: build minutes per day", lines, period=DAY)


def _calls(watched: Watched) -> Widget:
    machine = ("StateMachineArn", watched.state_machine_arn)
    lines = [
        ["AWS/States", "ExecutionsStarted", *machine, {"label": "executions"}],
        *_of_functions(watched, "Invocations"),
    ]
    return _graph(watched, "Cost: executions and calls per day", lines, period=DAY)


def _storage(watched: Watched) -> Widget:
    lines = [
        [
            "AWS/S3",
            "BucketSizeBytes",
            "BucketName",
            bucket,
            "StorageType",
            "StandardStorage",
            {"label": label},
        ]
        for label, bucket in (("uploads", watched.uploads), ("evidence", watched.artifacts))
    ]
    return _graph(watched, "Cost: bytes in buckets", lines, statistic="Average", period=DAY)


def _logs(watched: Watched) -> Widget:
    lines = [
        ["AWS/Logs", "IncomingBytes", "LogGroupName", function.log_group, {"label": label}]
        for label, function in watched.functions.items()
    ]
    return _graph(watched, "Cost: bytes of logs per day", lines, period=DAY)


def _graph(
    watched: Watched,
    title: str,
    lines: Sequence[Line],
    *,
    statistic: str = "Sum",
    period: int = HOUR,
    stacked: bool = False,
) -> Widget:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": watched.region,
            "view": "timeSeries",
            "stacked": stacked,
            "stat": statistic,
            "period": period,
            "metrics": lines,
        },
    }


def _of_functions(watched: Watched, metric: str) -> list[Line]:
    return [
        ["AWS/Lambda", metric, "FunctionName", function.name, {"label": label}]
        for label, function in watched.functions.items()
    ]


def _expression(expression: str, name: str, label: str) -> Line:
    return [{"expression": expression, "id": name, "label": label}]


def _search(watched: Watched, *outcomes: str) -> str:
    query = f'{{"{watched.namespace}",App,Outcome}} MetricName="Outcomes"'
    if outcomes:
        any_of = " OR ".join(f'"{outcome}"' for outcome in outcomes)
        query += f" Outcome=({any_of})"
    return f"SEARCH('{query}', 'Sum', {HOUR})"


def _spread(namespace: str, name: str) -> list[Line]:
    statistics = ("p50", "p90", "Maximum")
    return [[namespace, name, {"stat": statistic, "label": statistic}] for statistic in statistics]
