"""The operations layer: what is measured, what alarms the channel, and the dashboard."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.alarms import Alarm, Metric, alarms
from components.as_json import as_json
from components.context import Context
from components.dashboard import body
from components.log_metrics import LOG_METRICS, LogMetric
from components.watched import Watched
from domain.partition import console


@dataclass(frozen=True, kw_only=True)
class OperationsArgs:
    """``topic_arn`` is the topic that alarms publish to."""

    context: Context
    topic_arn: pulumi.Input[str]
    watched: Watched


class Operations(pulumi.ComponentResource):
    """A dashboard, and alarms to the channel for everything that can get lost or delayed."""

    dashboard_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: OperationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Operations", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        watched = args.watched

        for log_metric in LOG_METRICS:
            self._log_metric(log_metric, watched)
        created = [self._alarm(alarm, args.topic_arn) for alarm in alarms(watched)]
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.context.prefix,
            dashboard_body=as_json(body(watched, [alarm.arn for alarm in created])),
            opts=self._child,
        )
        self.dashboard_url = pulumi.Output.concat(
            f"{console(watched.region)}/cloudwatch/home?region={watched.region}#dashboards/dashboard/",
            dashboard.dashboard_name,
        )
        self.register_outputs({"dashboard_url": self.dashboard_url})

    def _log_metric(self, metric: LogMetric, watched: Watched) -> None:
        aws.cloudwatch.LogMetricFilter(
            f"{self._name}-{metric.label}",
            log_group_name=watched.functions[metric.function].log_group,
            pattern=metric.pattern,
            metric_transformation={
                "namespace": watched.namespace,
                "name": metric.name,
                "value": metric.value,
                "dimensions": metric.dimensions or None,
            },
            opts=self._child,
        )

    def _alarm(self, alarm: Alarm, topic_arn: pulumi.Input[str]) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.label}",
            alarm_description=f"{alarm.what} What to do: docs/runbook.md#{alarm.runbook}",
            comparison_operator="GreaterThanThreshold",
            threshold=alarm.above,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.breaching,
            # Metrics have no data on a quiet day.
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            opts=self._child,
            **_metric_arguments(alarm),
        )


def _metric_arguments(alarm: Alarm) -> dict[str, Any]:
    period = alarm.minutes * 60
    if isinstance(alarm.metric, Metric):
        return {
            "namespace": alarm.metric.namespace,
            "metric_name": alarm.metric.name,
            "dimensions": alarm.metric.dimensions,
            "statistic": alarm.metric.statistic,
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
        for key, metric in alarm.metric.items()
    ]
    result = {"id": "result", "expression": alarm.expression, "return_data": True}
    return {"metric_queries": [result, *queries]}
