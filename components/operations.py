"""The operations layer: what is measured, what alarms the channel, and the dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.approval import MAIL_DIMENSION, MAIL_EVENTS
from components.dashboard import Sources, body
from components.handler_function import HandlerFunction
from components.metric import Metric

# A function that takes this part of its time limit will soon take all of it.
NEAR = 0.8
# Seconds that a build may wait for a machine before that is told.
QUEUED = 600
# How often in 15 minutes EventBridge may try again to start executions before that is told.
RETRIES = 10


@dataclass(frozen=True, kw_only=True)
class LogMetric:
    """Counts the lines of ``function`` that match ``pattern``, or takes ``value`` from them.

    CloudWatch takes value and dimensions only from fields that the pattern names.
    """

    label: str
    function: str
    name: str
    pattern: str
    value: str = "1"
    dimensions: Mapping[str, str] = field(default_factory=dict)


JUDGED, ANNOUNCED = '$.message = "scan judged"', '$.message = "announced"'
BY_APP = {"App": "$.app", "Outcome": "$.outcome"}
LOG_METRICS = (
    # What uploads came to, and what became of failed gates.
    LogMetric(
        label="judged-outcomes",
        function="check-build-status",
        name="Outcomes",
        pattern=f"{{ {JUDGED} && $.app = * && $.outcome = * }}",
        dimensions=BY_APP,
    ),
    LogMetric(
        label="announced-outcomes",
        function="announce",
        name="Outcomes",
        pattern=f"{{ {ANNOUNCED} && $.app = * && $.outcome = * }}",
        dimensions=BY_APP,
    ),
    # The alarms' own metrics have no dimensions: whoever may upload invents apps, and CloudWatch
    # turns a filter off that finds too many.
    LogMetric(
        label="judged",
        function="check-build-status",
        name="ScansJudged",
        pattern=f"{{ {JUDGED} }}",
    ),
    LogMetric(
        label="broken",
        function="check-build-status",
        name="ScansBroken",
        pattern=f'{{ {JUDGED} && $.outcome = "error" }}',
    ),
    LogMetric(
        label="seconds-to-verdict",
        function="check-build-status",
        name="SecondsToVerdict",
        pattern=f"{{ {JUDGED} && $.seconds = * }}",
        value="$.seconds",
    ),
    LogMetric(
        label="seconds-to-decision",
        function="announce",
        name="SecondsToDecision",
        pattern=f"{{ {ANNOUNCED} && $.seconds = * }}",
        value="$.seconds",
    ),
    LogMetric(
        label="waiting",
        function="announce",
        name="DecisionsWaiting",
        pattern=f'{{ {ANNOUNCED} && $.outcome = "escalated" }}',
    ),
    LogMetric(
        label="ending",
        function="announce",
        name="ExceptionsEnding",
        pattern=f'{{ {ANNOUNCED} && $.outcome = "ending" }}',
    ),
    # People get a sentence for an answer, so Lambda counts no error.
    *(
        LogMetric(
            label=f"{function}-failed",
            function=function,
            name="PressesFailed",
            pattern='{ $.level = "ERROR" }',
        )
        for function in ("approval", "rescan")
    ),
    LogMetric(
        label="unheard",
        function="approval",
        name="PressesUnheard",
        pattern='{ $.message = "pressed" && $.first IS TRUE && $.heard IS FALSE }',
    ),
)


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


@dataclass(frozen=True, kw_only=True)
class OperationsArgs:
    """``namespace`` is that of the stack's own metrics, ``dashboard`` the dashboard's name.

    ``functions`` are all of the stack's region, by label; ``dead_letters`` and the others are the
    names of what is watched. A verdict is late after ``verdict_seconds``.
    """

    region: str
    namespace: str
    dashboard: str
    topic_arn: pulumi.Input[str]
    topic: pulumi.Input[str]
    functions: Mapping[str, HandlerFunction]
    state_machine_arn: pulumi.Input[str]
    project: pulumi.Input[str]
    rule: pulumi.Input[str]
    dead_letters: pulumi.Input[str]
    configuration_set: pulumi.Input[str]
    uploads: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    verdict_seconds: int


class Operations(pulumi.ComponentResource):
    """Alarms for each way to lose or delay something, told in the channel, and a dashboard."""

    dashboard_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: OperationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Operations", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)

        for each in LOG_METRICS:
            self._log_metric(each, args)
        made = [self._alarm(each, args.topic_arn) for each in alarms(args)]
        dashboard = aws.cloudwatch.Dashboard(
            name,
            dashboard_name=args.dashboard,
            dashboard_body=pulumi.Output.json_dumps(
                body(
                    Sources(
                        region=args.region,
                        namespace=args.namespace,
                        alarms=[each.arn for each in made],
                        functions=args.functions,
                        state_machine_arn=args.state_machine_arn,
                        project=args.project,
                        rule=args.rule,
                        uploads=args.uploads,
                        artifacts=args.artifacts,
                    )
                )
            ),
            opts=self._child,
        )
        self.dashboard_url = pulumi.Output.concat(
            f"https://{args.region}.console.aws.amazon.com/cloudwatch/home?region={args.region}"
            "#dashboards/dashboard/",
            dashboard.dashboard_name,
        )
        self.register_outputs({"dashboard_url": self.dashboard_url})

    def _log_metric(self, its: LogMetric, args: OperationsArgs) -> None:
        aws.cloudwatch.LogMetricFilter(
            its.label,
            log_group_name=args.functions[its.function].log_group,
            pattern=its.pattern,
            metric_transformation={
                "namespace": args.namespace,
                "name": its.name,
                "value": its.value,
                "dimensions": its.dimensions or None,
            },
            opts=self._child,
        )

    def _alarm(self, its: Alarm, topic_arn: pulumi.Input[str]) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            its.label,
            alarm_description=f"{its.what} What to do: docs/runbook.md#{its.runbook}",
            comparison_operator="GreaterThanThreshold",
            threshold=its.above,
            evaluation_periods=its.periods,
            # No data is what a quiet day looks like.
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            opts=self._child,
            **_watched(its),
        )


def _watched(its: Alarm) -> dict[str, Any]:
    period = its.minutes * 60
    if isinstance(its.metric, Metric):
        return {
            "namespace": its.metric.namespace,
            "metric_name": its.metric.name,
            "dimensions": its.metric.dimensions,
            "statistic": its.metric.statistic,
            "period": period,
        }
    queries = [
        {
            "id": key,
            "metric": {
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": metric.dimensions,
                "stat": metric.statistic,
                "period": period,
            },
        }
        for key, metric in its.metric.items()
    ]
    result = {"id": "result", "expression": its.expression, "return_data": True}
    return {"metric_queries": [result, *queries]}


def alarms(args: OperationsArgs) -> Sequence[Alarm]:
    """All alarms of a stack."""

    def own(name: str, statistic: str = "Sum") -> Metric:
        return Metric(namespace=args.namespace, name=name, statistic=statistic)

    def mail(event: str) -> Metric:
        dimensions = {MAIL_DIMENSION: args.configuration_set}
        return Metric(namespace="AWS/SES", name=MAIL_EVENTS[event], dimensions=dimensions)

    def rule(name: str) -> Metric:
        return Metric(namespace="AWS/Events", name=name, dimensions={"RuleName": args.rule})

    def executions(name: str) -> Metric:
        dimensions = {"StateMachineArn": args.state_machine_arn}
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
                dimensions={"QueueName": args.dead_letters},
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
            above=args.verdict_seconds,
            minutes=5,
        ),
        Alarm(
            label="builds-queued",
            what=f"A build waited over {QUEUED // 60} minutes for a machine.",
            runbook="builds-that-wait",
            metric=Metric(
                namespace="AWS/CodeBuild",
                name="QueuedDuration",
                dimensions={"ProjectName": args.project},
                statistic="Maximum",
            ),
            above=QUEUED,
            minutes=5,
        ),
        # The functions.
        *(alarm for label, its in args.functions.items() for alarm in _of_function(label, its)),
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
            what="A decision was written down, and its execution did not wake.",
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
                dimensions={"TopicName": args.topic},
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
