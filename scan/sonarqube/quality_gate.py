"""Converts the result of SonarQube's own quality gate to the report's format."""

from collections.abc import Mapping
from typing import Any

from domain.findings import Condition, Gate
from scan import limits

COMPARATORS = {"GT": ">", "LT": "<"}


def gate(
    status: dict[str, Any], counts: Mapping[str, int], most: Mapping[str, int | None]
) -> Gate | None:
    """The gate in ``projectStatus`` of ``qualitygates/project_status``.

    None if it evaluated nothing.

    A gate with conditions on new code only evaluates nothing at a project's first analysis, and the
    same code is no longer new at the second. So the limits apply, too.
    """
    conditions = [
        Condition(
            metric=condition["metricKey"],
            comparator=COMPARATORS.get(condition["comparator"], ">"),
            threshold=str(condition.get("errorThreshold", "")),
            actual=str(condition.get("actualValue", "")),
            status="error" if condition["status"] == "ERROR" else "ok",
        )
        for condition in status.get("conditions") or []
        if condition["status"] != "NO_VALUE"
    ]
    if status["status"] == "ERROR":
        return Gate(status="failed", judge="sonarqube", conditions=conditions)
    if not conditions:
        return None
    if all(condition.metric.startswith("new_") for condition in conditions):
        whole = limits.judge(counts, most)
        return Gate(
            status=whole.status,
            judge="limits",
            conditions=[*conditions, *whole.conditions],
        )
    return Gate(status="passed", judge="sonarqube", conditions=conditions)
