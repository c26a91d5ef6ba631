"""The fields of the log lines that CloudWatch makes metrics of (components/log_metrics.py)."""

from collections.abc import Mapping
from typing import Any

from domain import timestamps


def fields(
    scan: str, app: str, outcome: str, opened: Mapping[str, Any] | None, at: str | None
) -> dict[str, str | int]:
    """Return ``{scan, app, outcome}``, and ``seconds`` from the upload to ``at``, if told.

    ``opened`` is scan.json. What is scanned again was uploaded long before, so it has no such time.
    """
    line: dict[str, str | int] = {"scan": scan, "app": app, "outcome": outcome}
    if opened and at and opened.get("attempt", 1) == 1:
        line["seconds"] = timestamps.seconds(opened["uploadedAt"], at)
    return line
