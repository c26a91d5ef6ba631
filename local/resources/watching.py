"""Creates log groups and their filters, alarms and the dashboard."""

import uuid
from typing import Any

from local.permissions import services
from local.resources.inputs import Account, Create, Inputs, Made


def log_group(account: Account, name: str, inputs: Inputs) -> Made:
    prefix, group = inputs.take("namePrefix"), inputs.take("name")
    group = group or (f"{prefix}{uuid.uuid4().hex[:5]}" if prefix else account.named(name))
    logs = account.client("logs", *inputs.region())
    logs.create_log_group(logGroupName=group, tags=inputs.take("tags", {}))
    logs.put_retention_policy(logGroupName=group, retentionInDays=inputs.take("retentionInDays"))
    arn = f"arn:aws:logs:{logs.meta.region_name}:123456789012:log-group:{group}"
    return group, {"name": group, "arn": arn}


def log_filter(account: Account, name: str, inputs: Inputs) -> Made:
    # moto delivers every event of the group, whatever the pattern.
    logs = account.client("logs", *inputs.region())
    group, function = inputs.take("logGroup"), inputs.take("destinationArn")
    arn = f"arn:aws:logs:{logs.meta.region_name}:123456789012:log-group:{group}"
    services.log_events_are_sent(account.guard, arn, function)
    logs.put_subscription_filter(
        logGroupName=group,
        filterName=name,
        filterPattern=inputs.take("filterPattern"),
        destinationArn=function,
    )
    return name, {"name": name}


def metric_filter(account: Account, name: str, inputs: Inputs) -> Made:
    made = inputs.nested("metricTransformation")
    transformation = {
        "metricNamespace": made.take("namespace"),
        "metricName": made.take("name"),
        "metricValue": made.take("value"),
        "dimensions": made.take("dimensions") or {},
    }
    made.done()
    filter_name = account.named(name)
    account.client("logs").put_metric_filter(
        logGroupName=inputs.take("logGroupName"),
        filterName=filter_name,
        filterPattern=inputs.take("pattern"),
        metricTransformations=[transformation],
    )
    return filter_name, {"name": filter_name}


def alarm(account: Account, name: str, inputs: Inputs) -> Made:
    alarm = account.named(name)
    queries = inputs.blocks("metricQueries")
    watched: dict[str, Any] = (
        {"Metrics": [_metric_query(query) for query in queries]}
        if queries
        else {
            **_metric(inputs),
            "Statistic": inputs.take("statistic"),
            "Period": inputs.take("period"),
        }
    )
    if breaching := inputs.take("datapointsToAlarm"):
        watched["DatapointsToAlarm"] = breaching
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        AlarmDescription=inputs.take("alarmDescription"),
        ComparisonOperator=inputs.take("comparisonOperator"),
        Threshold=inputs.take("threshold"),
        EvaluationPeriods=inputs.take("evaluationPeriods"),
        TreatMissingData=inputs.take("treatMissingData"),
        AlarmActions=inputs.take("alarmActions"),
        Tags=inputs.tags(),
        **watched,
    )
    arn = f"arn:aws:cloudwatch:{cloudwatch.meta.region_name}:123456789012:alarm:{alarm}"
    return alarm, {"name": alarm, "arn": arn}


def dashboard(account: Account, name: str, inputs: Inputs) -> Made:
    dashboard = inputs.take("dashboardName")
    account.client("cloudwatch").put_dashboard(
        DashboardName=dashboard, DashboardBody=inputs.take("dashboardBody")
    )
    return dashboard, {"dashboardName": dashboard}


def _metric(inputs: Inputs) -> dict[str, Any]:
    dimensions = inputs.take("dimensions") or {}
    return {
        "Namespace": inputs.take("namespace"),
        "MetricName": inputs.take("metricName"),
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }


def _metric_query(query: Inputs) -> dict[str, Any]:
    row: dict[str, Any] = {"Id": query.take("id"), "ReturnData": query.take("returnData", False)}
    if expression := query.take("expression"):
        row["Expression"] = expression
    else:
        metric = query.nested("metric")
        row["MetricStat"] = {
            "Metric": _metric(metric),
            "Period": metric.take("period"),
            "Stat": metric.take("stat"),
        }
        metric.done()
    query.done()
    return row


CREATE: dict[str, Create] = {
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": log_filter,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": metric_filter,
    "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
    "aws:cloudwatch/dashboard:Dashboard": dashboard,
}
