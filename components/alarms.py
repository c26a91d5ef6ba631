"""The alarms of one environment, and the metrics that they watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.approval import MAIL_DIMENSION, MAIL_EVENTS
from components.handler_function import HandlerFunction
from components.watched import Watched

# Percent of its time limit after which a function is likely to reach the limit soon.
NEAR_TIMEOUT = 80
# Seconds that a build may wait for a machine before the channel is notified.
QUEUED = 600
# How many retries of starting executions in 15 minutes EventBridge may need before the same.
RETRIES = 10
# CloudWatch's limit for metrics in the expression of one alarm.
MAX_METRICS = 10
# A metric without data in a minute counts as 0, so a quiet function does not hide another one.
ANY = "SUM(FILL(METRICS(), 0))"
# What the period before published and did not deliver, less what this one delivered late. For
# HTTPS, NumberOfNotificationsFailed counts each try, also of what a later try delivers
# (https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html).
_PUBLISHED, _DELIVERED = "FILL(published, 0)", "FILL(delivered, 0)"
_LATE = f"IF({_DELIVERED} > {_PUBLISHED}, {_DELIVERED} - {_PUBLISHED}, 0)"
UNDELIVERED = f"({_PUBLISHED} - DIFF({_PUBLISHED})) - ({_DELIVERED} - DIFF({_DELIVERED})) - {_LATE}"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A CloudWatch metric; ``statistic`` aggregates the values of one period."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]] = field(
        default_factory=dict[str, pulumi.Input[str]]
    )
    statistic: str = "Sum"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Notifies the channel of ``what`` happened when ``metric`` exceeds ``above``.

    ``runbook`` is the anchor of the section in docs/runbook.md. If there is an ``expression``, its
    value is compared; it refers to the metrics by their names. A period has ``minutes``. Of the
    last ``periods``, ``breaching`` (default: all) must exceed the threshold.
    """

    label: str
    what: str
    runbook: str
    metric: Metric | Mapping[str, Metric]
    expression: str = ""
    above: float = 0
    minutes: int = 1
    periods: int = 1
    breaching: int | None = None


def alarms(watched: Watched) -> Sequence[Alarm]:
    """All alarms of a stack."""
    return (
        *_intake(watched),
        *_executions(watched),
        *_scans(watched),
        *_functions(watched),
        *_people(watched),
    )


def _intake(watched: Watched) -> Sequence[Alarm]:
    """From the upload to its execution."""

    def rule(name: str) -> Metric:
        return Metric(namespace="AWS/Events", name=name, dimensions={"RuleName": watched.rule})

    return (
        Alarm(
            label="dead-letters",
            what="An upload's event started no execution; it is in the dead-letter queue.",
            runbook="events-that-started-no-execution",
            metric=Metric(
                namespace="AWS/SQS",
                name="ApproximateNumberOfMessagesVisible",
                dimensions={"QueueName": watched.dead_letters},
                statistic="Maximum",
            ),
        ),
        Alarm(
            label="dead-letter-delivery-failed",
            what="An upload's event started no execution, and could not be sent to the dead-letter "
            "queue: it is lost.",
            runbook="events-that-are-lost",
            metric=rule("InvocationsFailedToBeSentToDlq"),
        ),
        Alarm(
            label="starts-retried",
            what="EventBridge tries again and again to start executions: uploads wait.",
            runbook="executions-that-start-late",
            metric=rule("RetryInvocationAttempts"),
            above=RETRIES,
            minutes=15,
        ),
        Alarm(
            label="no-scans-completed",
            what="For two hours uploads arrived, and no scan was completed.",
            runbook="uploads-without-completed-scans",
            metric={
                "uploads": rule("TriggeredRules"),
                "completed": _own(watched, "ScansCompleted"),
            },
            expression="IF(uploads > 0 AND FILL(completed, 0) == 0, 1, 0)",
            minutes=60,
            periods=2,
        ),
    )


def _executions(watched: Watched) -> Sequence[Alarm]:
    # If a scan failed to run, its execution succeeds nevertheless: the channel was notified.
    return (
        _any_of(
            label="executions-ended-early",
            what="An execution failed, timed out or was stopped: the rest of its work for its "
            "upload is not done.",
            runbook="executions-that-ended-early",
            metrics={
                "failed": _execution(watched, "ExecutionsFailed"),
                "timed_out": _execution(watched, "ExecutionsTimedOut"),
                "aborted": _execution(watched, "ExecutionsAborted"),
            },
        ),
        _any_of(
            label="throttled",
            what="AWS throttles executions or functions: uploads, decisions and clicks wait.",
            runbook="executions-and-functions-that-are-throttled",
            metrics={
                "executions": _execution(watched, "ExecutionThrottled"),
                **_of_functions(watched, "Throttles"),
            },
        ),
    )


def _scans(watched: Watched) -> Sequence[Alarm]:
    return (
        Alarm(
            label="scan-errors",
            what="A scan failed to run: the code was not evaluated and stays blocked.",
            runbook="scans-that-fail-to-run",
            metric=_own(watched, "ScanErrors"),
            minutes=5,
        ),
        Alarm(
            label="results-late",
            what="An upload waited longer for its gate result than a build may take.",
            runbook="results-that-come-late",
            metric=_own(watched, "SecondsToResult", "Maximum"),
            above=watched.result_seconds,
            minutes=5,
        ),
        Alarm(
            label="builds-queued",
            what=f"A build waited over {QUEUED // 60} minutes for a machine.",
            runbook="builds-that-wait",
            metric=Metric(
                namespace="AWS/CodeBuild",
                name="QueuedDuration",
                dimensions={"ProjectName": watched.project},
                statistic="Maximum",
            ),
            above=QUEUED,
            minutes=5,
        ),
    )


def _functions(watched: Watched) -> Sequence[Alarm]:
    percent = [
        f"FILL({_id(label)}, 0) / {function.timeout_seconds * 10}"
        for label, function in watched.functions.items()
    ]
    return (
        _any_of(
            label="function-errors",
            what="A Lambda function failed.",
            runbook="functions-that-fail",
            metrics=_of_functions(watched, "Errors"),
        ),
        _any_of(
            label="functions-near-timeout",
            what=f"A Lambda function took {NEAR_TIMEOUT} % of its time limit or more.",
            runbook="functions-near-their-time-limit",
            metrics=_of_functions(watched, "Duration", "Maximum"),
            # Milliseconds in percent of each function's own limit.
            expression=f"MAX([{', '.join(percent)}])",
            above=NEAR_TIMEOUT,
        ),
    )


def _people(watched: Watched) -> Sequence[Alarm]:
    """Buttons, approvals, cards and emails.

    An undecided request has no alarm: its second card mentions the channel.
    """
    return (
        Alarm(
            label="button-errors",
            what="Somebody clicked a button, and AWS answered with an error.",
            runbook="buttons-that-fail",
            metric=_own(watched, "ButtonErrors"),
            minutes=5,
        ),
        Alarm(
            label="resume-failed",
            what="A decision was recorded, and its execution has failed: nothing follows it.",
            runbook="decisions-that-resume-nothing",
            metric=_own(watched, "ResumeFailed"),
            minutes=5,
        ),
        Alarm(
            label="approvals-expiring",
            what="An approval expires soon; from then on its version cannot be deployed.",
            runbook="approvals-that-expire-soon",
            metric=_own(watched, "ApprovalsExpiring"),
            minutes=5,
        ),
        Alarm(
            label="notifications-undelivered",
            what="A notification was published, and not delivered: the channel lacks a card.",
            runbook="notifications-that-are-not-delivered",
            metric={
                "published": _topic(watched, "NumberOfMessagesPublished"),
                "delivered": _topic(watched, "NumberOfNotificationsDelivered"),
            },
            expression=UNDELIVERED,
            # SNS tries three times more, 20 seconds apart: within the next period
            # (https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.retry.html).
            minutes=5,
            periods=3,
            breaching=1,
        ),
        _any_of(
            label="mail-undelivered",
            what="An email bounced, was marked as spam, was refused by SES or is delayed: a "
            "developer may not know of a decision.",
            runbook="mail-that-does-not-arrive",
            metrics={
                event.lower(): Metric(
                    namespace="AWS/SES",
                    name=MAIL_EVENTS[event],
                    dimensions={MAIL_DIMENSION: watched.configuration_set},
                )
                for event in ("BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY")
            },
        ),
    )


def _any_of(
    *,
    label: str,
    what: str,
    runbook: str,
    metrics: Mapping[str, Metric],
    expression: str = ANY,
    above: float = 0,
) -> Alarm:
    """An alarm on the sum of several metrics; the dashboard shows which one it was.

    Raises:
        ValueError: there are more metrics than CloudWatch allows.
    """
    if len(metrics) > MAX_METRICS:
        raise ValueError(f"alarm {label}: {len(metrics)} metrics, CloudWatch takes {MAX_METRICS}")
    # FILL has a 0 for the newest minute whose data is still on its way, so older ones count too:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    return Alarm(
        label=label,
        what=what,
        runbook=runbook,
        metric=metrics,
        expression=expression,
        above=above,
        periods=5,
        breaching=1,
    )


def _own(watched: Watched, name: str, statistic: str = "Sum") -> Metric:
    return Metric(namespace=watched.namespace, name=name, statistic=statistic)


def _topic(watched: Watched, name: str) -> Metric:
    return Metric(namespace="AWS/SNS", name=name, dimensions={"TopicName": watched.topic})


def _execution(watched: Watched, name: str) -> Metric:
    dimensions = {"StateMachineArn": watched.state_machine_arn}
    return Metric(namespace="AWS/States", name=name, dimensions=dimensions)


def _of_functions(watched: Watched, name: str, statistic: str = "Sum") -> dict[str, Metric]:
    def metric(function: HandlerFunction) -> Metric:
        dimensions = {"FunctionName": function.name}
        return Metric(namespace="AWS/Lambda", name=name, dimensions=dimensions, statistic=statistic)

    return {_id(label): metric(function) for label, function in watched.functions.items()}


def _id(label: str) -> str:
    """The name of a function's metric in an expression."""
    return label.replace("-", "_")
