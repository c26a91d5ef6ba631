"""The alarms of one environment, and the metrics that they watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.approval import MAIL_DIMENSION, MAIL_EVENTS
from components.handler_function import HandlerFunction
from components.watched import Watched

# A function that takes this part of its time limit will soon take all of it.
NEAR = 0.8
# Seconds that a build may wait for a machine before that is told.
QUEUED = 600
# How often in 15 minutes EventBridge may try again to start executions before that is told.
RETRIES = 10


@dataclass(frozen=True, kw_only=True)
class Metric:
    """``statistic`` is what is taken of the values of one period."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    statistic: str = "Sum"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Tells the channel ``what`` happened once ``metric`` is above ``above``.

    ``runbook`` is the section of docs/runbook.md, by its anchor. It is watched in periods of
    ``minutes``, of which so many as ``periods`` must be above in a row. With an ``expression`` that
    is what is watched, over the metrics by their names in it.
    """

    label: str
    what: str
    runbook: str
    metric: Metric | Mapping[str, Metric]
    expression: str = ""
    above: float = 0
    minutes: int = 1
    periods: int = 1


def alarms(its: Watched) -> Sequence[Alarm]:
    """All alarms of a stack."""

    def own(name: str, statistic: str = "Sum") -> Metric:
        return Metric(namespace=its.namespace, name=name, statistic=statistic)

    def mail(event: str) -> Metric:
        dimensions = {MAIL_DIMENSION: its.configuration_set}
        return Metric(namespace="AWS/SES", name=MAIL_EVENTS[event], dimensions=dimensions)

    def rule(name: str) -> Metric:
        return Metric(namespace="AWS/Events", name=name, dimensions={"RuleName": its.rule})

    def executions(name: str) -> Metric:
        dimensions = {"StateMachineArn": its.state_machine_arn}
        return Metric(namespace="AWS/States", name=name, dimensions=dimensions)

    return (
        # From the upload to its execution.
        Alarm(
            label="dead-letters",
            what="An upload's event started no execution; it lies in the dead-letter queue.",
            runbook="events-that-started-nothing",
            metric=Metric(
                namespace="AWS/SQS",
                name="ApproximateNumberOfMessagesVisible",
                dimensions={"QueueName": its.dead_letters},
                statistic="Maximum",
            ),
        ),
        Alarm(
            label="events-lost",
            what="An upload's event started no execution, and the dead-letter queue did not take "
            "it: it is lost.",
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
            label="no-scans",
            what="For two hours uploads arrived, and none was judged.",
            runbook="uploads-arrive-and-none-is-scanned",
            metric={"uploads": rule("TriggeredRules"), "judged": own("ScansJudged")},
            expression="IF(uploads > 0 AND FILL(judged, 0) == 0, 1, 0)",
            minutes=60,
            periods=2,
        ),
        # A broken scan is an execution that succeeded, since the channel was told.
        *(
            Alarm(
                label=f"executions-{how}",
                what=f"An execution {said}: what it was to do for its upload is undone.",
                runbook="executions-that-ended-early",
                metric=executions(metric),
            )
            for how, metric, said in (
                ("failed", "ExecutionsFailed", "failed"),
                ("timed-out", "ExecutionsTimedOut", "timed out"),
                ("aborted", "ExecutionsAborted", "was stopped"),
            )
        ),
        Alarm(
            label="executions-throttled",
            what="Step Functions holds executions back: uploads and decisions wait.",
            runbook="executions-that-are-throttled",
            metric=executions("ExecutionThrottled"),
            minutes=5,
        ),
        # The scan.
        Alarm(
            label="scans-broken",
            what="A scan broke for another reason than its gate: the code was not judged.",
            runbook="scans-that-break",
            metric=own("ScansBroken"),
            minutes=5,
        ),
        Alarm(
            label="verdicts-late",
            what="An upload waited longer for its verdict than a build may take.",
            runbook="verdicts-that-come-late",
            metric=own("SecondsToVerdict", "Maximum"),
            above=its.verdict_seconds,
            minutes=5,
        ),
        Alarm(
            label="builds-queued",
            what=f"A build waited over {QUEUED // 60} minutes for a machine.",
            runbook="builds-that-wait",
            metric=Metric(
                namespace="AWS/CodeBuild",
                name="QueuedDuration",
                dimensions={"ProjectName": its.project},
                statistic="Maximum",
            ),
            above=QUEUED,
            minutes=5,
        ),
        # The functions.
        *(alarm for label, each in its.functions.items() for alarm in _of_function(label, each)),
        # People.
        Alarm(
            label="presses-failed",
            what="Somebody pressed a button, and AWS did not answer as it should.",
            runbook="presses-that-fail",
            metric=own("PressesFailed"),
            minutes=5,
        ),
        Alarm(
            label="presses-unheard",
            what="A decision was written down, and its execution has failed: nothing follows it.",
            runbook="presses-that-wake-nobody",
            metric=own("PressesUnheard"),
            minutes=5,
        ),
        Alarm(
            label="decisions-waiting",
            what="A failed gate comes near the end of its time, and nobody has decided.",
            runbook="decisions-that-wait",
            metric=own("DecisionsWaiting"),
            minutes=5,
        ),
        Alarm(
            label="exceptions-ending",
            what="An exception ends soon; from then on its version cannot be deployed.",
            runbook="exceptions-that-end-soon",
            metric=own("ExceptionsEnding"),
            minutes=5,
        ),
        # What is sent.
        Alarm(
            label="cards-undelivered",
            what="SNS could not deliver to a subscriber of the topic: the channel may lack cards.",
            runbook="cards-that-are-not-delivered",
            metric=Metric(
                namespace="AWS/SNS",
                name="NumberOfNotificationsFailed",
                dimensions={"TopicName": its.topic},
            ),
            minutes=5,
        ),
        *(
            Alarm(
                label=f"mail-{how}",
                what=what,
                runbook="mail-that-does-not-arrive",
                metric=mail(event),
                minutes=5,
            )
            for how, event, what in (
                ("bounced", "BOUNCE", "An email bounced: a developer does not know."),
                ("complained", "COMPLAINT", "A recipient marked an email as spam."),
                ("rejected", "REJECT", "SES refused an email for what is in it."),
                ("delayed", "DELIVERY_DELAY", "An email is delayed on its way to a developer."),
            )
        ),
    )


def _of_function(label: str, function: HandlerFunction) -> Sequence[Alarm]:
    def metric(name: str, statistic: str = "Sum") -> Metric:
        dimensions = {"FunctionName": function.name}
        return Metric(namespace="AWS/Lambda", name=name, dimensions=dimensions, statistic=statistic)

    return (
        Alarm(
            label=f"{label}-errors",
            what=f"Function {label} failed.",
            runbook="functions-that-fail",
            metric=metric("Errors"),
        ),
        Alarm(
            label=f"{label}-slow",
            what=f"Function {label} came near its time limit of {function.timeout_seconds} s.",
            runbook="functions-near-their-time-limit",
            metric=metric("Duration", "Maximum"),
            above=NEAR * function.timeout_seconds * 1000,
        ),
        Alarm(
            label=f"{label}-throttled",
            what=f"Lambda refused to run function {label}: too many run at once.",
            runbook="functions-that-are-throttled",
            metric=metric("Throttles"),
        ),
    )
