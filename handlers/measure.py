"""Fields of the log lines from which CloudWatch derives metrics (components/log_metrics.py)."""

from collections.abc import Mapping
from typing import Any

from domain import timestamps


def fields(
    scan: str, app: str, outcome: str, opened: Mapping[str, Any] | None, at: str | None
) -> dict[str, str | int]:
    """Return ``{scan, app, outcome}``, and ``seconds`` from the upload to ``at`` if that is given.

    ``opened`` is scan.json. Further attempts have no ``seconds``: their upload may be long ago.
    """
    line: dict[str, str | int] = {"scan": scan, "app": app, "outcome": outcome}
    if opened and at and opened.get("attempt", 1) == 1:
        line["seconds"] = timestamps.seconds(opened["uploadedAt"], at)
    return line
