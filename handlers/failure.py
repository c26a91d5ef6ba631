"""The texts of the email about a scan that did not pass, sent as soon as its card is published."""

from collections.abc import Mapping
from typing import Any

from domain import timestamps
from domain.report import Report
from domain.sanitize import line
from handlers import not_scanned
from handlers.outcome import Outcome

# The statuses of gate-result.json that are failures.
EVENTS = ("failed", "error")


def describe(
    event: str, zip_name: str, gate_result: Mapping[str, Any], report: Report | None, until: str
) -> Outcome:
    """Return the texts for ``event``, one of ``EVENTS``: what happened, and how to fix it.

    ``gate_result`` is gate-result.json; ``until`` is when the request for a decision expires.
    """
    zip_name = line(zip_name, 200)
    if event == "error":
        message = report.error.message if report and report.error else gate_result["reason"]
        # A gate result of an earlier version has no remediation.
        fix = gate_result.get("remediation") or "Look at the build's log, then upload again."
        return Outcome(
            event=event,
            mark="⚠️",
            headline="scan failed to run",
            subject="Scan failed to run",
            lead=f"{zip_name} could not be scanned: {line(message, 500)} The code was not "
            "evaluated and stays blocked.",
            reason=None,
            next_steps=(line(fix, 500),),
        )
    remedy = not_scanned.remedy(report) if report else "fix the findings and upload again"
    return Outcome(
        event=event,
        mark="❌",
        headline="quality gate failed",
        subject="Quality gate failed",
        lead=f"{zip_name} failed its quality gate. This version stays blocked unless it is "
        "approved as an exception in Slack.",
        reason=None,
        next_steps=(
            f"{remedy[0].upper()}{remedy[1:]}: a new version is scanned at once.",
            "If it can't wait, ask the people in the Slack channel to approve it there, with a "
            f"reason. Its card waits for them until {timestamps.minute(until)}.",
        ),
    )
