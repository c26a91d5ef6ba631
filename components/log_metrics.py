"""What is counted from the functions' logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class LogMetric:
    """Counts the lines of ``function`` that match ``pattern``, or takes ``value`` from them.

    CloudWatch takes value and dimensions only from fields that the pattern names.
    """

    label: str
    function: str
    name: str
    pattern: str
    value: str = "1"
    dimensions: Mapping[str, str] = field(default_factory=dict)


JUDGED, ANNOUNCED = '$.message = "scan judged"', '$.message = "announced"'
BY_APP = {"App": "$.app", "Outcome": "$.outcome"}
LOG_METRICS = (
    # What uploads came to, and what became of failed gates.
    LogMetric(
        label="judged-outcomes",
        function="check-build-status",
        name="Outcomes",
        pattern=f"{{ {JUDGED} && $.app = * && $.outcome = * }}",
        dimensions=BY_APP,
    ),
    LogMetric(
        label="announced-outcomes",
        function="announce",
        name="Outcomes",
        pattern=f"{{ {ANNOUNCED} && $.app = * && $.outcome = * }}",
        dimensions=BY_APP,
    ),
    # The alarms' own metrics have no dimensions: whoever may upload invents apps, and CloudWatch
    # turns a filter off that finds too many.
    LogMetric(
        label="judged",
        function="check-build-status",
        name="ScansJudged",
        pattern=f"{{ {JUDGED} }}",
    ),
    LogMetric(
        label="broken",
        function="check-build-status",
        name="ScansBroken",
        pattern=f'{{ {JUDGED} && $.outcome = "error" }}',
    ),
    LogMetric(
        label="seconds-to-verdict",
        function="check-build-status",
        name="SecondsToVerdict",
        pattern=f"{{ {JUDGED} && $.seconds = * }}",
        value="$.seconds",
    ),
    LogMetric(
        label="seconds-to-decision",
        function="announce",
        name="SecondsToDecision",
        pattern=f"{{ {ANNOUNCED} && $.seconds = * }}",
        value="$.seconds",
    ),
    LogMetric(
        label="waiting",
        function="announce",
        name="DecisionsWaiting",
        pattern=f'{{ {ANNOUNCED} && $.outcome = "escalated" }}',
    ),
    LogMetric(
        label="ending",
        function="announce",
        name="ExceptionsEnding",
        pattern=f'{{ {ANNOUNCED} && $.outcome = "ending" }}',
    ),
    # People get a sentence for an answer, so Lambda counts no error.
    *(
        LogMetric(
            label=f"{function}-failed",
            function=function,
            name="PressesFailed",
            pattern='{ $.level = "ERROR" }',
        )
        for function in ("approval", "rescan")
    ),
    LogMetric(
        label="unheard",
        function="approval",
        name="PressesUnheard",
        pattern='{ $.message = "pressed" && $.heard IS FALSE }',
    ),
)
