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


@dataclass(frozen=True, kw_only=True)
class OperationsArgs:
    """``topic_arn`` is the topic that alarms publish to."""

    context: Context
    topic_arn: pulumi.Input[str]
    watched: Watched


class Operations(pulumi.ComponentResource):
    """Alarms for each way to lose or delay something, published to the channel, and a dashboard."""

    dashboard_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: OperationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Operations", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        its = args.watched

        for log_metric in LOG_METRICS:
            self._log_metric(log_metric, its)
        made = [self._alarm(alarm, args.topic_arn) for alarm in alarms(its)]
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.context.prefix,
            dashboard_body=as_json(body(its, [item.arn for item in made])),
            opts=self._child,
        )
        self.dashboard_url = pulumi.Output.concat(
            f"https://{its.region}.console.aws.amazon.com/cloudwatch/home?region={its.region}"
            "#dashboards/dashboard/",
            dashboard.dashboard_name,
        )
        self.register_outputs({"dashboard_url": self.dashboard_url})

    def _log_metric(self, metric: LogMetric, its: Watched) -> None:
        aws.cloudwatch.LogMetricFilter(
            f"{self._name}-{metric.label}",
            log_group_name=its.functions[metric.function].log_group,
            pattern=metric.pattern,
            metric_transformation={
                "namespace": its.namespace,
                "name": metric.name,
                "value": metric.value,
                "dimensions": metric.dimensions or None,
            },
            opts=self._child,
        )

    def _alarm(self, its: Alarm, topic_arn: pulumi.Input[str]) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{its.label}",
            alarm_description=f"{its.what} What to do: docs/runbook.md#{its.runbook}",
            comparison_operator="GreaterThanThreshold",
            threshold=its.above,
            evaluation_periods=its.periods,
            datapoints_to_alarm=its.breaching,
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
