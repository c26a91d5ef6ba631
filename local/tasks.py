"""Tasks of Step Functions that moto lacks or runs differently from AWS.

Their errors have the names of ``components/service_errors.py``.
"""

import json
import threading
from collections.abc import Callable
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (  # noqa: E501
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (  # noqa: E501
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sns import (  # noqa: E501
    StateTaskServiceSns,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from components.service_errors import ACCOUNT_LIMIT, INTEGRATIONS
from local.builds import AccountLimitExceeded, Builds
from local.permissions import services
from local.permissions.guard import AccessDenied, Guard

# A thousand concurrent tasks would delay all other requests to moto's single-process server.
AT_ONCE = threading.BoundedSemaphore(4)
PARAMETERS = {"ProjectName", "EnvironmentVariablesOverride", "IdempotencyToken"}
# What a service answers, and that it does not answer; other exceptions are errors of this account.
OF_SERVICES = (ClientError, AccountLimitExceeded, AccessDenied, BotoCoreError, ConnectionError)


class NamedErrors(StateTaskServiceCallback):
    """A task that names the errors of its service as AWS does; moto makes names of their codes."""

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        event = super()._from_error(env=env, ex=ex)
        if not isinstance(ex, OF_SERVICES):
            return event
        error = INTEGRATIONS[self.resource.api_name].name(_code(ex))
        [details] = cast("Any", event.event_details).values()
        return self._failed(env, error, details.get("cause") or str(ex))

    def _failed(self, env: Any, error: str, cause: str) -> FailureEvent:
        return FailureEvent(
            env=env,
            error_name=ErrorName(error_name=error),
            event_type=HistoryEventType.TaskFailed,
            event_details=cast(Any, EventDetails)(
                taskFailedEventDetails=TaskFailedEventDetails(
                    resource=self._get_sfn_resource(),
                    resourceType=self._get_sfn_resource_type(),
                    error=error,
                    cause=cause,
                )
            ),
        )


class LambdaTask(NamedErrors, StateTaskServiceLambda):
    """Invokes a function, also asynchronously, which Step Functions lets a task do.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    """

    def _get_supported_parameters(self) -> set[str]:
        return {*(super()._get_supported_parameters() or ()), "InvocationType"}


class SnsTask(NamedErrors, StateTaskServiceSns):
    """Publishes a message."""


class AwsSdkTask(NamedErrors, StateTaskServiceAwsSdk):
    """Converts bodies as AWS does: JSON to bytes for S3, bytes to text, dates to strings."""

    def _normalise_parameters(
        self,
        parameters: dict[str, Any],
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        if "Body" in parameters:
            parameters["Body"] = json.dumps(parameters["Body"]).encode()

    def _eval_service_task(self, env: Any, *arguments: Any, **named: Any) -> None:
        with AT_ONCE:
            super()._eval_service_task(env, *arguments, **named)
        response = env.stack.pop()
        if "Body" in response:
            response["Body"] = response["Body"].read().decode()
        env.stack.append(json.loads(to_json_str(response)))


class CodeBuildTask(NamedErrors):
    """Starts a build and waits for its end; fails with States.TaskFailed if the build failed."""

    def __init__(self, builds: Builds, guard: Guard) -> None:
        # Only with WaitForTaskToken does moto create an endpoint by which it can stop the task.
        super().__init__(cast(Any, {ResourceCondition.Sync, ResourceCondition.WaitForTaskToken}))
        self._builds, self._guard = builds, guard

    def _get_supported_parameters(self) -> set[str]:
        return PARAMETERS

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        unknown = normalised_parameters.keys() - PARAMETERS
        if unknown:
            raise ValueError(f"local/ does not know StartBuild's {sorted(unknown)}")
        services.build_is_started(
            self._guard,
            env.aws_execution_details.role_arn,
            self._builds.project(normalised_parameters["ProjectName"])["arn"],
        )
        with AT_ONCE:
            build = self._builds.start(
                normalised_parameters["ProjectName"],
                normalised_parameters.get("EnvironmentVariablesOverride", []),
                normalised_parameters["IdempotencyToken"],
            )
        env.stack.append({"Build": build})

    def _build_sync_resolver(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> Callable[[], Any]:
        build_id = env.stack.pop()["Build"]["Id"]

        def resolve() -> dict[str, Any] | None:
            build = self._builds.ended(build_id, within=0.2)
            if build is None:
                return None
            if build["BuildStatus"] == "SUCCEEDED":
                return {"Build": build}
            raise FailureEventException(
                self._failed(env, "States.TaskFailed", json.dumps({"Build": build}))
            )

        return resolve

    def _eval_sync(
        self,
        env: Any,
        sync_resolver: Callable[[], Any] | None,
        timeout_seconds: int | None,
        callback_endpoint: Any,
        heartbeat_endpoint: Any,
    ) -> Any:
        """Wait for the build; moto's also waits, in a thread, for a token that nobody sends.

        That thread fails if the execution is stopped just before it starts.
        """
        assert sync_resolver
        while env.is_running():
            if result := sync_resolver():
                return result
        return None


def _code(error: Exception) -> str | None:
    """The service's code of an error, None if the service did not answer."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    if isinstance(error, AccountLimitExceeded):
        return ACCOUNT_LIMIT
    return "AccessDeniedException" if isinstance(error, AccessDenied) else None
