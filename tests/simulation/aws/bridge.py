"""EventBridge: delivers S3's events to the targets of its rules, at least once.

- S3's events arrive at least once, in any order
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html).
- Delivery to a target that fails is retried for a day
  (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html).
- A function is invoked asynchronously and, if it fails, twice more, after one and two minutes
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.simulation.aws.functions import Functions
from tests.simulation.aws.network import Lost, Network, Refused
from tests.simulation.aws.scheduler import Scheduler, current
from tests.simulation.aws.step_functions import MACHINE, StepFunctions

CALLER = "EventBridge"
ATTEMPTS = 100
# As in components/pipeline.py: which objects in the artifacts bucket invoke which function.
ANSWERS = re.compile(
    r".*/(decision|withdrawal|uploader|(extensions|approvals|actions)/[^/]+)\.json"
)
ANSWERED = "callback"


class EventBridge:
    """``artifacts`` is the bucket whose new objects are events, too."""

    def __init__(
        self,
        scheduler: Scheduler,
        network: Network,
        step_functions: StepFunctions,
        functions: Functions,
        artifacts: str,
    ) -> None:
        self._scheduler, self._network = scheduler, network
        self._step_functions, self._functions = step_functions, functions
        self._artifacts = artifacts

    def uploaded(self, event: dict[str, Any], delay: float) -> None:
        """Deliver an upload's event to the state machine after ``delay`` seconds."""
        parameters = {"stateMachineArn": MACHINE, "input": json.dumps(event)}

        def work() -> None:
            actor = current()
            self._until_taken(
                "stepfunctions",
                "StartExecution",
                lambda: self._step_functions.serve("StartExecution", parameters, actor),
            )

        self._scheduler.spawn(CALLER, work, delay=delay)

    def created(self, bucket: str, key: str) -> None:
        """Deliver S3's event about a new object."""
        if bucket != self._artifacts or not ANSWERS.fullmatch(key):
            return
        draw = self._scheduler.random.random
        delays = [0.3 + 2 * draw() + (60 * draw() if draw() < 0.05 else 0)]
        if draw() < 0.1:
            delays.append(delays[0] + 30 * draw())
        event = {
            "version": "0",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key}},
        }
        for delay in delays:
            self._scheduler.spawn(CALLER, lambda: self._invoke(event), delay=delay)

    def _invoke(self, event: dict[str, Any]) -> None:
        for pause in (60, 120, None):
            ended = self._until_taken(
                "lambda",
                f"Invoke {ANSWERED}",
                # The response only says that the event is queued; Lambda retries the function by
                # itself.
                lambda: [self._functions.invoke(ANSWERED, event)],
            )
            if not ended:
                return
            self._scheduler.wait(ended[0])
            if ended[0].value[0] == "done" or pause is None:
                return
            self._scheduler.sleep(pause)

    def _until_taken(self, service: str, call: str, effect: Callable[[], Any]) -> Any:
        """Retry until the target accepts the event; return its response, None if it never did."""
        scheduler = self._scheduler
        for attempt in range(ATTEMPTS):
            try:
                return self._network.send(CALLER, service, call, effect)
            except (Refused, Lost):
                scheduler.sleep(min(300, 2**attempt) * (0.5 + scheduler.random.random()))
        return None
