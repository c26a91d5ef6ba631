"""Step Functions: executions by name, and task tokens.

- A token works once, while its task waits. Afterwards, and when the task timed out or its
  execution ended, it is TaskTimedOut; an unknown token is InvalidToken
  (https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html).
- StartExecution is idempotent while the execution of that name runs with the same input; with
  another input, or once it is closed, it is ExecutionAlreadyExists
  (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
- An execution is deleted 90 days after its end; its name, and so its ARN, can be used again
  (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.aws.network import Refused
from tests.simulation.aws.scheduler import Actor, Future, NotSimulated, Scheduler
from tests.simulation.trace import Event, ExecutionEnded, ExecutionStarted

REMEMBERED = 90 * 24 * 3600
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:pipeline"


@dataclass
class Execution:
    """``status`` is ``RUNNING``, ``SUCCEEDED`` or ``FAILED``."""

    arn: str
    name: str
    input: str
    started: float
    status: str = "RUNNING"
    ended: float = 0.0


class StepFunctions:
    """``machine(execution)`` runs an execution and returns its status."""

    def __init__(self, scheduler: Scheduler, events: list[Event]) -> None:
        self._scheduler, self._events = scheduler, events
        self.machine: Callable[[Execution], str] | None = None
        self.executions: dict[str, Execution] = {}
        self._tokens: dict[str, Future] = {}

    def in_flight(self, operation: str, parameters: dict[str, Any], change: int) -> None:
        """A client begins or ends a call, which nothing depends on here."""

    def serve(self, operation: str, parameters: dict[str, Any], actor: Actor) -> Any:
        """Carry out the request at once; return the response. Raises ``Refused``."""
        match operation:
            case "SendTaskSuccess":
                return self._resume(parameters["taskToken"], ("done", parameters["output"]))
            case "StartExecution":
                return self._start(**parameters)
            case "DescribeExecution":
                return self._describe(**parameters)
        raise NotSimulated(f"Step Functions {operation}")

    def token(self) -> tuple[str, Future]:
        """Make a task token; its future gets ``(done, output)`` when the task is resumed."""
        token = f"AQ{self._scheduler.random.getrandbits(96):024x}"
        self._tokens[token] = Future()
        return token, self._tokens[token]

    def close(self, token: str) -> None:
        """Invalidate ``token``: its task is over."""
        # Has no effect on a future that already has a value.
        self._tokens[token].set(("closed", None))

    def _resume(self, token: str, value: tuple[str, Any]) -> dict[str, Any]:
        if token not in self._tokens:
            raise Refused("InvalidToken")
        if not self._tokens[token].set(value):
            raise Refused("TaskTimedOut", "Provided task does not exist anymore")
        return {}

    def _start(
        self, stateMachineArn: str, input: str = "{}", name: str | None = None
    ) -> dict[str, Any]:
        if stateMachineArn != MACHINE:
            raise Refused("StateMachineDoesNotExist")
        name = name or f"{self._scheduler.random.getrandbits(64):016x}"
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        known = self._known(arn)
        if known and (known.status != "RUNNING" or known.input != input):
            raise Refused("ExecutionAlreadyExists")
        if not known:
            execution = Execution(arn, name, input, self._scheduler.now)
            self.executions[arn] = execution
            detail = json.loads(input)
            self._events.append(
                ExecutionStarted(at=self._scheduler.now, execution=arn, detail=detail)
            )
            self._scheduler.spawn("state machine", lambda: self._live(execution))
        return {"executionArn": arn}

    def _live(self, execution: Execution) -> None:
        assert self.machine
        execution.status = self.machine(execution)
        execution.ended = self._scheduler.now
        self._events.append(
            ExecutionEnded(at=execution.ended, execution=execution.arn, status=execution.status)
        )

    def _describe(self, executionArn: str) -> dict[str, Any]:
        known = self._known(executionArn)
        if known is None:
            raise Refused("ExecutionDoesNotExist")
        return {"executionArn": executionArn, "name": known.name, "status": known.status}

    def _known(self, arn: str) -> Execution | None:
        known = self.executions.get(arn)
        is_forgotten = (
            known and known.status != "RUNNING" and self._scheduler.now > known.ended + REMEMBERED
        )
        return None if is_forgotten else known
