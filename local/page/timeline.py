"""The timeline of one execution, read from its history as GetExecutionHistory returns it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.state_descriptions import describe

History = list[dict[str, Any]]


@dataclass
class Step:
    """One entered state; times are seconds since 1970, ``left`` is None while it lasts."""

    name: str
    entered: float
    left: float | None = None
    attempts: int = 0
    error: str = ""

    def summary(self) -> dict[str, Any]:
        return {**vars(self), "says": describe(self.name)}


@dataclass
class Timeline:
    """The states that one execution entered.

    ``opened`` is scan.json, None before the execution has written it, and for a duplicate event;
    ``build`` is the (log group, log stream) of its last build.
    """

    steps: list[Step] = field(default_factory=list)
    opened: dict[str, Any] | None = None
    build: tuple[str, str] | None = None
    # Whether the last state waits for a callback with its task token.
    waits: bool = False


def read(history: History) -> Timeline:
    """Return the timeline that ``history`` describes."""
    timeline = Timeline()
    for event in history:
        at = event["timestamp"].timestamp()
        if entered := event.get("stateEnteredEventDetails"):
            timeline.steps.append(Step(entered["name"], at))
            timeline.waits = False
        if not timeline.steps:
            continue
        step = timeline.steps[-1]
        if "stateExitedEventDetails" in event:
            step.left = at
        if "taskScheduledEventDetails" in event:
            step.attempts += 1
        if succeeded := event.get("taskSucceededEventDetails"):
            timeline.opened = timeline.opened or _opened(
                json.loads(succeeded.get("output") or "{}")
            )
        if submitted := event.get("taskSubmittedEventDetails"):
            timeline.build = _build(json.loads(submitted.get("output") or "{}")) or timeline.build
            timeline.waits = submitted["resource"].endswith(".waitForTaskToken")
        if failure := _failure(event):
            step.error = failure
    return timeline


def _opened(output: Mapping[str, Any]) -> dict[str, Any] | None:
    answer = output.get("Payload")
    return answer["scan"] if isinstance(answer, dict) and answer.get("isNew") else None


def _build(output: Mapping[str, Any]) -> tuple[str, str] | None:
    logs = output.get("Build", {}).get("Logs")
    return (logs["GroupName"], logs["StreamName"]) if logs else None


def _failure(event: Mapping[str, Any]) -> str:
    """The error and cause of a failed or timed-out task or execution; empty for other events."""
    details: Iterable[Any] = (
        value
        for key, value in event.items()
        if key.endswith(("FailedEventDetails", "OutEventDetails"))
    )
    for detail in details:
        return ": ".join(filter(None, (detail.get("error"), detail.get("cause", "")[:500])))
    return ""
