"""Alarms for what no card tells of, shown natively in the channel."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """``dead_letters`` is the name of the queue of events that started nothing."""

    state_machine_arn: pulumi.Input[str]
    dead_letters: pulumi.Input[str]
    topic_arn: pulumi.Input[str]


class Alarms(pulumi.ComponentResource):
    """Tells the channel of uploads whose event or execution was lost on the way."""

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Alarms", name, None, opts)
        self._args = args
        machine = {"StateMachineArn": args.state_machine_arn}
        self._alarm(
            "dead-letters",
            "An upload's event started no execution: it lies in the dead-letter queue",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": args.dead_letters},
        )
        # A broken scan is an execution that succeeded, since the channel was told.
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"):
            self._alarm(
                metric,
                "An upload's execution ended early: what it was to do is undone",
                "AWS/States",
                metric,
                machine,
            )
        self.register_outputs({})

    def _alarm(
        self,
        label: str,
        description: str,
        namespace: str,
        metric: str,
        dimensions: dict[str, pulumi.Input[str]],
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            label,
            alarm_description=description,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic="Maximum" if namespace == "AWS/SQS" else "Sum",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            period=60,
            evaluation_periods=1,
            # No data is what a quiet day looks like.
            treat_missing_data="notBreaching",
            alarm_actions=[self._args.topic_arn],
            opts=pulumi.ResourceOptions(parent=self),
        )
