"""CloudWatch's metric filters and alarms, as its documentation describes them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# ``(namespace, name, dimensions)`` and the values of one period.
Metric = tuple[str, str, frozenset[tuple[str, str]]]
Values = dict[Metric, list[float]]
DIFFERENCE = re.compile(r"DIFF\(FILL\((\w+), (\w+)\)\)")
CONDITION = re.compile(r'\$\.(\w+) (?:(=) (?:"([^"]*)"|(\*))|IS (TRUE|FALSE))')


def metric(namespace: str, name: str, dimensions: Mapping[str, str] | None = None) -> Metric:
    return namespace, name, frozenset((dimensions or {}).items())


def matches(pattern: str, line: Mapping[str, Any]) -> bool:
    """Whether a JSON line matches a pattern of conditions joined by ``&&``.

    Raises:
        ValueError: the pattern has unsupported syntax.
    """
    if not (pattern.startswith("{ ") and pattern.endswith(" }")):
        raise ValueError(f"no pattern for JSON: {pattern}")
    for condition in pattern[2:-2].split(" && "):
        match = CONDITION.fullmatch(condition)
        if not match:
            raise ValueError(f"not known here: {condition}")
        name, equals, text, _, truth = match.groups()
        value = line.get(name)
        if truth and value is not (truth == "TRUE"):
            return False
        if equals and (value is None or (text is not None and value != text)):
            return False
    return True


def measured(filters: Iterable[Mapping[str, Any]], lines: Mapping[str, Sequence[str]]) -> Values:
    """Apply filters, as DescribeMetricFilters returns them, to the lines of each log group."""
    values: Values = defaultdict(list)
    for metric_filter in filters:
        [made] = metric_filter["metricTransformations"]
        for text in lines[metric_filter["logGroupName"]]:
            line = json.loads(text)
            if not matches(metric_filter["filterPattern"], line):
                continue
            dimensions = {
                name: line[field.removeprefix("$.")]
                for name, field in made.get("dimensions", {}).items()
            }
            value = made["metricValue"]
            number = line[value.removeprefix("$.")] if value.startswith("$.") else value
            values[metric(made["metricNamespace"], made["metricName"], dimensions)].append(
                float(number)
            )
    return values


def watched(alarm: Mapping[str, Any]) -> list[Metric]:
    """The metrics that an alarm, as DescribeAlarms returns it, watches."""
    stats = [query["MetricStat"]["Metric"] for query in _queries(alarm).values()] or [alarm]
    return [
        metric(
            stat["Namespace"],
            stat["MetricName"],
            {row["Name"]: row["Value"] for row in stat.get("Dimensions", [])},
        )
        for stat in stats
    ]


def goes_off(alarm: Mapping[str, Any], periods: Sequence[Values]) -> bool:
    """Whether enough of the last periods exceed the alarm's threshold; missing data does not."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    before: list[Values | None] = [None, *periods]
    last = list(zip(before, periods, strict=False))[-alarm["EvaluationPeriods"] :]
    values = [_value(alarm, period, earlier) for earlier, period in last]
    above = sum(value is not None and value > alarm["Threshold"] for value in values)
    return above >= alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])


def message(alarm: Mapping[str, Any]) -> str:
    """The parts of CloudWatch's message that the chat service shows."""
    return json.dumps(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmDescription": alarm["AlarmDescription"],
            "NewStateValue": "ALARM",
            "NewStateReason": "Threshold Crossed",
            "StateChangeTime": "2026-11-24T13:00:00.000+0000",
            "Region": "EU (Frankfurt)",
        }
    )


def _queries(alarm: Mapping[str, Any]) -> dict[str, Any]:
    return {item["Id"]: item for item in alarm.get("Metrics", []) if "MetricStat" in item}


def _value(alarm: Mapping[str, Any], values: Values, before: Values | None) -> float | None:
    """The alarm's value in a period; without the period ``before`` a DIFF has none."""
    queries = _queries(alarm)
    if not queries:
        return _statistic(alarm["Statistic"], values.get(watched(alarm)[0]))
    [expression] = [item["Expression"] for item in alarm["Metrics"] if item.get("Expression")]
    if before is None and "DIFF" in expression:
        return None
    names, earlier = (
        {
            name: _statistic(item["MetricStat"]["Stat"], period.get(at))
            for (name, item), at in zip(queries.items(), watched(alarm), strict=True)
        }
        for period in (values, before or {})
    )
    expression = DIFFERENCE.sub(r"(FILL(\1, \2) - FILL(\1_before, \2))", expression)
    earlier = {f"{name}_before": value for name, value in earlier.items()}
    functions = {
        "METRICS": lambda: list(names.values()),
        "FILL": _fill,
        "SUM": sum,
        "MAX": max,
        "IF": lambda condition, yes, no: yes if condition else no,
    }
    # Metric math has Python's operators; without data there is no result.
    try:
        return eval(expression.replace(" AND ", " and "), {**functions, **names, **earlier})
    except TypeError:
        return None


def _fill(values: Any, instead: float) -> Any:
    if isinstance(values, list):
        return [_fill(value, instead) for value in values]
    return instead if values is None else values


def _statistic(statistic: str, values: Sequence[float] | None) -> float | None:
    return {"Sum": sum, "Maximum": max}[statistic](values) if values else None
