"""Metrics that are extracted from the functions' logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class LogMetric:
    """Counts the log lines of ``function`` that match ``pattern``, or reads ``value`` from them.

    CloudWatch reads value and dimensions only from fields that the pattern names.
    """

    label: str
    function: str
    name: str
    pattern: str
    value: str = "1"
    dimensions: Mapping[str, str] = field(default_factory=dict[str, str])


COMPLETED, NOTIFIED = '$.message = "scan completed"', '$.message = "notified"'
BY_APP = {"App": "$.app", "Outcome": "$.outcome"}
LOG_METRICS = (
    # Results of scans, and outcomes of failed gates.
    LogMetric(
        label="completed-outcomes",
        function="check-build-status",
        name="Outcomes",
        pattern=f"{{ {COMPLETED} && $.app = * && $.outcome = * }}",
        dimensions=BY_APP,
    ),
    LogMetric(
        label="notified-outcomes",
        function="notify",
        name="Outcomes",
        pattern=f"{{ {NOTIFIED} && $.app = * && $.outcome = * }}",
        dimensions=BY_APP,
    ),
    # The alarms' metrics have no dimensions: an uploader can invent any number of apps, and
    # CloudWatch disables a filter that creates too many dimensions.
    LogMetric(
        label="completed",
        function="check-build-status",
        name="ScansCompleted",
        pattern=f"{{ {COMPLETED} }}",
    ),
    LogMetric(
        label="scan-errors",
        function="check-build-status",
        name="ScanErrors",
        pattern=f'{{ {COMPLETED} && $.outcome = "error" }}',
    ),
    LogMetric(
        label="seconds-to-result",
        function="check-build-status",
        name="SecondsToResult",
        pattern=f"{{ {COMPLETED} && $.seconds = * }}",
        value="$.seconds",
    ),
    LogMetric(
        label="seconds-to-decision",
        function="notify",
        name="SecondsToDecision",
        pattern=f"{{ {NOTIFIED} && $.seconds = * }}",
        value="$.seconds",
    ),
    LogMetric(
        label="expiring",
        function="notify",
        name="ApprovalsExpiring",
        pattern=f'{{ {NOTIFIED} && $.outcome = "expiring" }}',
    ),
    # A user gets the error as a sentence, so Lambda counts no error.
    *(
        LogMetric(
            label=f"{function}-errors",
            function=function,
            name="ButtonErrors",
            pattern='{ $.level = "ERROR" }',
        )
        for function in ("approval", "rescan")
    ),
    LogMetric(
        label="resume-failed",
        function="approval",
        name="ResumeFailed",
        pattern='{ $.message = "action handled" && $.resumed IS FALSE }',
    ),
)
