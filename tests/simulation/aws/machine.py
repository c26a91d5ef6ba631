"""An interpreter of the part of Amazon States Language that the pipeline uses, in JSONata.

Sources: https://states-language.net/spec.html and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html. It knows nothing
of the pipeline's states, and refuses every field that it does not support.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.simulation.aws.expressions import QueryEvaluationError, evaluate
from tests.simulation.aws.scheduler import NotSimulated, Scheduler, current
from tests.simulation.aws.step_functions import MACHINE, Execution
from tests.simulation.trace import timestamp

State = Mapping[str, Any]
FLOW = {"Type", "Comment", "Next", "End", "Assign", "Output"}
FIELDS = {
    "Pass": FLOW,
    "Wait": {*FLOW, "Seconds", "Timestamp"},
    "Choice": {"Type", "Comment", "Choices", "Default", "Assign", "Output"},
    "Task": {*FLOW, "Resource", "Arguments", "Retry", "Catch", "TimeoutSeconds"},
    "Succeed": {"Type", "Comment", "Output"},
    "Fail": {"Type", "Comment", "Error", "Cause"},
}
CHOICE = {"Condition", "Next", "Assign", "Output", "Comment"}
CATCH = {"ErrorEquals", "Next", "Assign", "Output", "Comment"}
RETRY = {
    "ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds",
    "JitterStrategy", "Comment",
}  # fmt: skip
# Errors that States.ALL does not catch.
FATAL = ("States.DataLimitExceeded", "States.Runtime")
# The maximum size of a state's data, in bytes
# (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
LARGEST = 262_144
# The maximum number of events of an execution; then it fails, despite any catcher (same page).
HISTORY = 25_000
STATE_EVENTS, ATTEMPT_EVENTS = 2, 3  # entered, exited; scheduled, started, ended


class TaskFailed(Exception):
    """A task failed; ``error`` is the error's name, such as ``States.Timeout``.

    Without a ``cause`` the error output has none, either, as after a time-out.
    """

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause

    @property
    def output(self) -> dict[str, str]:
        return {"Error": self.error, **({"Cause": self.cause} if self.cause else {})}


class _HistoryFull(Exception):
    """The history of an execution has the maximum number of events."""


# (resource, arguments, variables for templates, seconds) -> result
RunTask = Callable[[str, Any, dict[str, Any], float | None], Any]


class Machine:
    """Runs executions of one checked definition; ``run_task`` runs a task, or raises TaskFailed.

    It gets the arguments as a template, since each attempt has its own task token.
    """

    def __init__(
        self, scheduler: Scheduler, definition: Mapping[str, Any], run_task: RunTask
    ) -> None:
        self._scheduler, self._definition, self._run_task = scheduler, definition, run_task
        # The number of events in each execution's history, by its ARN.
        self._events: dict[str, int] = {}
        # The states that each execution entered, by its ARN, in order.
        self.entered: dict[str, list[str]] = {}
        # As in trace.Trace.
        self.steps: set[tuple[str, str, str]] = set()

    def live(self, execution: Execution) -> str:
        """Run an execution; return its final status."""
        variables: dict[str, Any] = {}
        data = json.loads(execution.input)
        context = {
            "Execution": {
                "Id": execution.arn,
                "Name": execution.name,
                "Input": data,
                "StartTime": _iso(execution.started),
            },
            "StateMachine": {"Id": MACHINE, "Name": "pipeline"},
        }
        name = self._definition["StartAt"]
        self._events[execution.arn] = 0
        self.entered[execution.arn] = []
        while True:
            self._events[execution.arn] += STATE_EVENTS
            self.entered[execution.arn].append(name)
            state = self._definition["States"][name]
            context["State"] = {"Name": name, "RetryCount": 0, "EnteredTime": self._now()}
            current().began = self._scheduler.now
            try:
                if state["Type"] in ("Succeed", "Fail"):
                    self._value(state.get("Cause"), variables, {"context": context, "input": data})
                    return "SUCCEEDED" if state["Type"] == "Succeed" else "FAILED"
                name, data = self._step(state, variables, context, data)
                if not name:
                    return "SUCCEEDED"
            except (QueryEvaluationError, TaskFailed, _HistoryFull):
                return "FAILED"

    def _step(
        self, state: State, variables: dict[str, Any], context: dict[str, Any], data: Any
    ) -> tuple[str, Any]:
        """Run one state; return the name of the next (empty after the last) and its input."""
        states = {"input": data, "context": context}
        match state["Type"]:
            case "Task":
                return self._task(state, variables, states)
            case "Wait":
                self._scheduler.sleep(max(0.0, self._wait(state, variables, states)))
            case "Choice":
                state = next(
                    (
                        choice
                        for choice in state["Choices"]
                        if self._value(choice["Condition"], variables, states) is True
                    ),
                    {**state, "Next": state["Default"]},
                )
        return self._leave(state, variables, states, data)

    def _leave(
        self, flow: State, variables: dict[str, Any], states: dict[str, Any], output: Any
    ) -> tuple[str, Any]:
        # All expressions of one Assign see the variables as they were before it.
        assigned = self._value(flow.get("Assign", {}), variables, states)
        if "Output" in flow:
            output = self._value(flow["Output"], variables, states)
        variables.update(assigned)
        if len(json.dumps(variables)) > LARGEST:
            raise TaskFailed("States.DataLimitExceeded")
        if flow.get("End"):
            return "", output
        name = states["context"]["State"]["Name"]
        self.steps.add((name, ",".join(flow.get("ErrorEquals", ())), flow["Next"]))
        return flow["Next"], output

    def _wait(self, state: State, variables: dict[str, Any], states: dict[str, Any]) -> float:
        if "Seconds" in state:
            return self._value(state["Seconds"], variables, states)
        until = datetime.fromisoformat(self._value(state["Timestamp"], variables, states))
        return (until - timestamp(self._scheduler.now)).total_seconds()

    def _task(
        self, state: State, variables: dict[str, Any], states: dict[str, Any]
    ) -> tuple[str, Any]:
        tries = [0] * len(state.get("Retry", []))
        while True:
            execution = states["context"]["Execution"]["Id"]
            self._events[execution] += ATTEMPT_EVENTS
            if self._events[execution] > HISTORY:
                raise _HistoryFull
            try:
                bound = {**variables, "states": states}
                seconds = self._value(state.get("TimeoutSeconds"), variables, states)
                arguments = state.get("Arguments", {})
                result = self._run_task(state["Resource"], arguments, bound, seconds)
                return self._leave(state, variables, {**states, "result": result}, result)
            except QueryEvaluationError as error:
                failed = TaskFailed("States.QueryEvaluationError", str(error))
            except TaskFailed as error:
                failed = error
            delay = self._retry(state, failed, tries)
            if delay is None:
                return self._catch(state, failed, variables, states)
            self._scheduler.sleep(delay)
            states["context"]["State"]["RetryCount"] += 1

    def _retry(self, state: State, failed: TaskFailed, tries: list[int]) -> float | None:
        """Return the seconds until the next attempt, None if there is no further one."""
        for place, retrier in enumerate(state.get("Retry", [])):
            if not _matches(retrier["ErrorEquals"], failed.error):
                continue
            if tries[place] >= retrier.get("MaxAttempts", 3):
                return None
            delay = (
                retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2) ** tries[place]
            )
            delay = min(delay, retrier.get("MaxDelaySeconds", delay))
            tries[place] += 1
            if retrier.get("JitterStrategy", "NONE") == "FULL":
                return delay * self._scheduler.random.random()
            return delay
        return None

    def _catch(
        self, state: State, failed: TaskFailed, variables: dict[str, Any], states: dict[str, Any]
    ) -> tuple[str, Any]:
        for catcher in state.get("Catch", []):
            if _matches(catcher["ErrorEquals"], failed.error):
                states = {**states, "errorOutput": failed.output}
                return self._leave(catcher, variables, states, failed.output)
        raise failed

    def _value(self, template: Any, variables: dict[str, Any], states: dict[str, Any]) -> Any:
        return evaluate(template, {**variables, "states": states})

    def _now(self) -> str:
        return _iso(self._scheduler.now)


def check(definition: Mapping[str, Any]) -> None:
    """Refuse a definition with a field that the interpreter would ignore.

    Raises:
        NotSimulated: names the state and the field.
    """
    _only("the definition", definition, {"Comment", "QueryLanguage", "StartAt", "States"})
    if definition["QueryLanguage"] != "JSONata":
        raise NotSimulated(f"query language {definition['QueryLanguage']}")
    for name, state in definition["States"].items():
        if state["Type"] not in FIELDS:
            raise NotSimulated(f"{name}: type {state['Type']}")
        _only(name, state, FIELDS[state["Type"]])
        for part, fields in (("Choices", CHOICE), ("Retry", RETRY), ("Catch", CATCH)):
            for item in state.get(part, ()):
                _only(f"{name}: {part}", item, fields)
        for flow in (state, *state.get("Choices", ()), *state.get("Catch", ())):
            for field in ("Next", "Default"):
                if field in flow and flow[field] not in definition["States"]:
                    raise NotSimulated(f"{name}: no state {flow[field]}")


def steps(definition: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """Return all steps that executions of ``definition`` may take."""
    result = set()
    for name, state in definition["States"].items():
        targets = {state[field] for field in ("Next", "Default") if field in state}
        targets |= {choice["Next"] for choice in state.get("Choices", ())}
        result |= {(name, "", target) for target in targets}
        result |= {(name, ",".join(c["ErrorEquals"]), c["Next"]) for c in state.get("Catch", ())}
    return result


def _only(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := given.keys() - known:
        raise NotSimulated(f"{where}: {sorted(unknown)}")


def _matches(names: list[str], error: str) -> bool:
    if error in names:
        return True
    if "States.ALL" in names:
        return error not in FATAL
    return "States.TaskFailed" in names and error != "States.Timeout"


def _iso(at: float) -> str:
    return f"{timestamp(at):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
