"""The gate of the settings: maximum findings per severity."""

from collections.abc import Mapping

from domain.findings import SEVERITIES, Condition, Gate


def judge(counts: Mapping[str, int], limits: Mapping[str, int | None]) -> Gate:
    """A gate with one condition for each severity that has a limit."""
    conditions = [
        Condition(
            metric=severity,
            comparator=">",
            threshold=str(most),
            actual=str(counts[severity]),
            status="error" if counts[severity] > most else "ok",
        )
        for severity in SEVERITIES
        if (most := limits.get(severity)) is not None
    ]
    failed = any(condition.status == "error" for condition in conditions)
    return Gate(status="failed" if failed else "passed", judge="limits", conditions=conditions)
