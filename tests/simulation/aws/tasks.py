"""What a task of the state machine calls, and how it fails.

- Errors of services have the names of ``components/service_errors.py``; a function's error is named
  after its exception's class
  (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
- Bodies of SDK integrations are JSON
  (https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html).
- ``.sync`` waits for the build; a failed build is States.TaskFailed
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync).
- With the invocation type Event, Lambda runs the function later, up to three times
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
- ``.waitForTaskToken``: the task waits for its token after the call has succeeded; it fails if the
  call fails, or with States.Timeout, which counts from the task's start
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token).
"""

import json
from collections.abc import Callable
from typing import Any

from components.service_errors import INTEGRATIONS
from tests.simulation.aws.builds import Build, Builds, cause
from tests.simulation.aws.expressions import evaluate
from tests.simulation.aws.machine import TaskFailed
from tests.simulation.aws.network import Lost, Network, Refused, check, described
from tests.simulation.aws.s3 import S3
from tests.simulation.aws.scheduler import Future, NotSimulated, current
from tests.simulation.aws.services import Sns
from tests.simulation.aws.step_functions import StepFunctions

PREFIX = "arn:aws:states:::"
CALLER = "state machine"


class Tasks:
    """``models`` are botocore's models of the services, ``invoke`` starts a function."""

    def __init__(
        self,
        network: Network,
        models: dict[str, Any],
        s3: S3,
        step_functions: StepFunctions,
        builds: Builds,
        sns: Sns,
        invoke: Callable[[str, Any], Future],
    ) -> None:
        self._network, self._models, self._s3 = network, models, s3
        self._step_functions, self._builds, self._sns = step_functions, builds, sns
        self._invoke = invoke

    def run(
        self, resource: str, arguments: Any, variables: dict[str, Any], seconds: float | None
    ) -> Any:
        """Make one attempt of a task; return its result.

        Raises:
            TaskFailed: as the state machine sees it.
        """
        name, _, pattern = resource.removeprefix(PREFIX).partition(".")
        call = getattr(self, "_" + name.replace(":", "_").replace("-", "_"), None)
        if call is None or not resource.startswith(PREFIX):
            raise NotSimulated(resource)
        if pattern == "waitForTaskToken":
            return self._with_token(call, arguments, variables, seconds)
        evaluated = evaluate(arguments, variables)
        if pattern == "sync":
            return self._within(lambda: self._until_built(call(evaluated)), seconds)
        if pattern:
            raise NotSimulated(resource)
        return (
            call(evaluated) if seconds is None else self._within(lambda: call(evaluated), seconds)
        )

    def _with_token(
        self, call: Any, arguments: Any, variables: dict[str, Any], seconds: float | None
    ) -> Any:
        token, resumed = self._step_functions.token()
        states = variables["states"]
        states = {**states, "context": {**states["context"], "Task": {"Token": token}}}
        evaluated = evaluate(arguments, {**variables, "states": states})
        began, scheduler = current().began, self._network.scheduler

        def work() -> None:
            current().began = began
            try:
                call(evaluated)
            except TaskFailed as failed:
                resumed.set(("call", failed))

        scheduler.spawn(CALLER, work)
        is_resumed = scheduler.wait(resumed, seconds)
        self._step_functions.close(token)
        if not is_resumed:
            raise TaskFailed("States.Timeout")
        kind, value = resumed.value
        if kind == "call":
            raise value
        return json.loads(value)

    def _within(self, work: Callable[[], Any], seconds: float | None) -> Any:
        scheduler = self._network.scheduler
        began = current().began
        actor = scheduler.spawn(CALLER, work, handled=(TaskFailed,))
        actor.began = began
        if not scheduler.wait(actor.ended, seconds):
            raise TaskFailed("States.Timeout")
        kind, value = actor.ended.value
        if kind == "failed":
            raise value
        return value

    def _until_built(self, build: Build) -> Any:
        self._network.scheduler.wait(build.ended)
        document = build.ended.value
        if document["BuildStatus"] != "SUCCEEDED":
            raise TaskFailed("States.TaskFailed", cause(document))
        return {"Build": document}

    def _codebuild_startBuild(self, arguments: dict[str, Any]) -> Build:
        check(self._models["codebuild"], "StartBuild", _lower(arguments))
        return self._send("codebuild", "StartBuild", lambda: self._builds.start(arguments))

    def _sns_publish(self, arguments: dict[str, Any]) -> Any:
        check(self._models["sns"], "Publish", arguments)
        began = current().began
        return self._send("sns", "Publish", lambda: self._sns.publish(**arguments, began=began))

    def _lambda_invoke(self, arguments: dict[str, Any]) -> Any:
        payload = json.dumps(arguments["Payload"])
        check(self._models["lambda"], "Invoke", {**arguments, "Payload": payload})
        name = arguments["FunctionName"]
        if arguments.get("InvocationType") == "Event":
            self._send("lambda", f"Invoke {name}", lambda: self._queue(name, json.loads(payload)))
            return {"StatusCode": 202, "Payload": ""}
        kind, value = self._send(
            "lambda", f"Invoke {name}", lambda: self._invoke(name, json.loads(payload))
        )
        if kind == "failed":
            raise TaskFailed(*value)
        return {"StatusCode": 200, "Payload": value, "ExecutedVersion": "$LATEST"}

    def _queue(self, name: str, payload: Any) -> None:
        """Invoke a function asynchronously: Lambda retries after one minute, and after two."""
        scheduler = self._network.scheduler

        def run() -> None:
            for pause in (0, 60, 120):
                scheduler.sleep(pause)
                ended = self._invoke(name, payload)
                scheduler.wait(ended)
                if ended.value[0] != "failed":
                    return

        scheduler.spawn("Lambda", run)

    def _aws_sdk_s3_putObject(self, arguments: dict[str, Any]) -> Any:
        body = arguments["Body"]
        text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
        return self._s3_call("PutObject", {**arguments, "Body": text.encode()})

    def _aws_sdk_s3_getObject(self, arguments: dict[str, Any]) -> Any:
        answer = self._s3_call("GetObject", arguments)
        return {**answer, "Body": answer["Body"].read().decode()}

    def _aws_sdk_s3_putObjectTagging(self, arguments: dict[str, Any]) -> Any:
        return self._s3_call("PutObjectTagging", arguments)

    def _s3_call(self, operation: str, arguments: dict[str, Any]) -> Any:
        check(self._models["s3"], operation, arguments)
        self._s3.in_flight(operation, arguments, 1)
        actor = current()
        try:
            return self._send(
                "s3",
                described(operation, arguments),
                lambda: self._s3.serve(operation, arguments, actor),
                arguments["Bucket"],
            )
        finally:
            self._s3.in_flight(operation, arguments, -1)

    def _send(self, service: str, call: str, effect: Callable[[], Any], bucket: str = "") -> Any:
        try:
            return self._network.send(CALLER, service, call, effect, bucket=bucket)
        except Refused as refused:
            raise TaskFailed(
                INTEGRATIONS[service].name(refused.code), f"{refused} ({refused.status})"
            ) from None
        except Lost:
            raise TaskFailed(INTEGRATIONS[service].name(None), "no answer") from None


def _lower(value: Any) -> Any:
    """Convert CodeBuild's parameters to botocore's: Step Functions capitalises them."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _lower(member) for name, member in value.items()}
    return [_lower(member) for member in value] if isinstance(value, list) else value
