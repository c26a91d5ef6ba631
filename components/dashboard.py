"""The dashboard of one environment, as a body that CloudWatch takes.

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


def body(its: Watched, alarms: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    """Return the body, rows of widgets from top to bottom; ``alarms`` are ARNs."""
    rows = (
        [_alarms(alarms)],
        [_uploads(its), _outcomes(its), _outcomes_by_app(its)],
        [_waiting(its), _seconds_to_decision(its), _seconds_to_result(its)],
        [_build_phases(its), _functions(its)],
        [_executions(its), _errors(its), _throttles(its), _mail(its)],
        [_build_minutes(its), _calls(its), _storage(its), _logs(its)],
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


def _uploads(its: Watched) -> Widget:
    machine = ("StateMachineArn", its.state_machine_arn)
    lines = [
        ["AWS/Events", "TriggeredRules", "RuleName", its.rule, {"label": "uploads"}],
        ["AWS/States", "ExecutionsStarted", *machine, {"label": "executions started"}],
        [its.namespace, "ScansCompleted", {"label": "scans completed"}],
    ]
    return _graph(its, "Uploads per hour", lines)


def _outcomes(its: Watched) -> Widget:
    lines = [
        _expression(f"SUM({_search(its, outcome)})", f"o{number}", outcome)
        for number, outcome in enumerate(OUTCOMES)
    ]
    return _graph(its, "Outcomes per hour", lines, stacked=True)


def _outcomes_by_app(its: Watched) -> Widget:
    return _graph(its, "Outcomes per app and hour", [_expression(_search(its), "apps", "")])


def _waiting(its: Watched) -> Widget:
    """No metric counts what waits, so what was opened less what was closed."""
    closed = ("approved", "rejected", "request-expired", "superseded")
    lines = [
        _expression(f"SUM({_search(its, 'failed')})", "opened", "opened"),
        _expression(f"SUM({_search(its, *closed)})", "closed", "closed"),
        _expression(
            "RUNNING_SUM(FILL(opened, 0) - FILL(closed, 0))", "open", "more open than at the left"
        ),
        _expression(f"SUM({_search(its, 'escalated')})", "escalated", "escalated"),
    ]
    return _graph(its, "Requests for a decision", lines)


def _seconds_to_decision(its: Watched) -> Widget:
    return _graph(
        its, "Seconds from upload to decision", _spread(its.namespace, "SecondsToDecision")
    )


def _seconds_to_result(its: Watched) -> Widget:
    return _graph(
        its, "Seconds from upload to gate result", _spread(its.namespace, "SecondsToResult")
    )


def _build_phases(its: Watched) -> Widget:
    lines = [
        ["AWS/CodeBuild", f"{phase}Duration", "ProjectName", its.project, {"label": phase}]
        for phase in PHASES
    ]
    return _graph(its, "Seconds per step of a build", lines, statistic="Average", stacked=True)


def _functions(its: Watched) -> Widget:
    lines = _of_functions(its, "Duration")
    return _graph(its, "Longest milliseconds per function", lines, statistic="Maximum")


def _executions(its: Watched) -> Widget:
    lines = [
        ["AWS/States", name, "StateMachineArn", its.state_machine_arn, {"label": label}]
        for name, label in (
            ("ExecutionsFailed", "failed"),
            ("ExecutionsTimedOut", "timed out"),
            ("ExecutionsAborted", "stopped"),
        )
    ]
    return _graph(its, "Executions that ended early", lines)


def _errors(its: Watched) -> Widget:
    return _graph(its, "Errors per function", _of_functions(its, "Errors"))


def _throttles(its: Watched) -> Widget:
    machine = ["AWS/States", "ExecutionThrottled", "StateMachineArn", its.state_machine_arn]
    lines = [[*machine, {"label": "executions"}], *_of_functions(its, "Throttles")]
    return _graph(its, "Throttled: executions, and calls per function", lines)


def _mail(its: Watched) -> Widget:
    lines = [
        ["AWS/SES", name, MAIL_DIMENSION, its.configuration_set, {"label": name}]
        for event, name in MAIL_EVENTS.items()
        if event != "SEND"
    ]
    return _graph(its, "Emails that did not arrive", lines)


def _build_minutes(its: Watched) -> Widget:
    seconds = ["AWS/CodeBuild", "Duration", "ProjectName", its.project]
    lines = [
        [*seconds, {"id": "seconds", "visible": False}],
        _expression("seconds / 60", "minutes", "build minutes"),
    ]
    return _graph(its, "Cost: build minutes per day", lines, period=DAY)


def _calls(its: Watched) -> Widget:
    machine = ("StateMachineArn", its.state_machine_arn)
    lines = [
        ["AWS/States", "ExecutionsStarted", *machine, {"label": "executions"}],
        *_of_functions(its, "Invocations"),
    ]
    return _graph(its, "Cost: executions and calls per day", lines, period=DAY)


def _storage(its: Watched) -> Widget:
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
        for label, bucket in (("uploads", its.uploads), ("evidence", its.artifacts))
    ]
    return _graph(its, "Cost: bytes in buckets", lines, statistic="Average", period=DAY)


def _logs(its: Watched) -> Widget:
    lines = [
        ["AWS/Logs", "IncomingBytes", "LogGroupName", function.log_group, {"label": label}]
        for label, function in its.functions.items()
    ]
    return _graph(its, "Cost: bytes of logs per day", lines, period=DAY)


def _graph(
    its: Watched,
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
            "region": its.region,
            "view": "timeSeries",
            "stacked": stacked,
            "stat": statistic,
            "period": period,
            "metrics": lines,
        },
    }


def _of_functions(its: Watched, metric: str) -> list[Line]:
    return [
        ["AWS/Lambda", metric, "FunctionName", function.name, {"label": label}]
        for label, function in its.functions.items()
    ]


def _expression(expression: str, name: str, label: str) -> Line:
    return [{"expression": expression, "id": name, "label": label}]


def _search(its: Watched, *outcomes: str) -> str:
    wanted = f'{{"{its.namespace}",App,Outcome}} MetricName="Outcomes"'
    if outcomes:
        any_of = " OR ".join(f'"{outcome}"' for outcome in outcomes)
        wanted += f" Outcome=({any_of})"
    return f"SEARCH('{wanted}', 'Sum', {HOUR})"


def _spread(namespace: str, name: str) -> list[Line]:
    statistics = ("p50", "p90", "Maximum")
    return [[namespace, name, {"stat": statistic, "label": statistic}] for statistic in statistics]
