"""Patches of moto for what this pipeline needs; an unknown version of moto is refused."""

import importlib.metadata
import json
import random
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import moto.awslambda.models as lambda_models
import moto.codebuild.models as codebuild_models
import moto.codebuild.responses as codebuild_responses
import moto.s3.models as s3_models
import moto.s3.notifications as moto_s3_notifications
import moto.stepfunctions.parser.asl.component.common.retry.jitter_strategy_decl as asl_jitter
import moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_factory as factory
import moto.stepfunctions.parser.asl.component.state.state as asl_state
import moto.stepfunctions.parser.asl.eval.states as asl_states
import moto.stepfunctions.parser.asl.eval.variable_store as asl_variables
import moto.stepfunctions.parser.asl.jsonata.jsonata as asl_jsonata
import moto.stepfunctions.parser.asl.utils.boto_client as asl_boto_client
import moto.stepfunctions.parser.models as stepfunctions_models
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
from moto.iam.access_control import PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeSuccess
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from components.compute import LAMBDA
from local import jsonata, moto_caches, s3_notifications
from local.builds import Builds
from local.functions import Functions
from local.permissions.guard import Guard
from local.tasks import AwsSdkTask, CodeBuildTask, LambdaTask, SnsTask

MOTO = "5.2.5"
_token = threading.Lock()
_serve = DomainDispatcherApplication.__call__


# Functions of moto that the patches below call.
_check_containers = vars(codebuild_responses)["_validate_required_params_environment"]
_invoke_and_wait = lambda_models.LambdaFunction.invoke


class TaskTimedOut(AWSError):
    """The error for a task token that was used or whose task has ended."""

    TYPE, STATUS = "TaskTimedOut", 400


def apply(
    builds: Builds,
    functions: Functions,
    guard: Guard,
    deliver: Callable[[dict[str, Any]], None],
    notify: Callable[[str, dict[str, Any]], None],
) -> None:
    """Patch moto.

    ``guard`` gets each request first, ``deliver`` each event that S3 sends to EventBridge, and
    ``notify`` the ARN of a function with each event that S3 sends to it.

    Raises:
        RuntimeError: the patches were made for another version of moto.
    """
    version = importlib.metadata.version("moto")
    if version != MOTO:
        raise RuntimeError(
            f"local/ fills gaps of moto {MOTO}, but moto {version} is installed: "
            "run `make setup`, or read local/moto_patches.py against the new moto and change "
            "MOTO there"
        )
    default_user_config["stepfunctions"] = {"execute_state_machine": True}

    def task_for(service_name: str) -> Any:
        if service_name == "codebuild":
            return CodeBuildTask(builds, guard)
        tasks = {"aws-sdk": AwsSdkTask, "lambda": LambdaTask, "sns": SnsTask}
        return moto_caches.as_role_of_machine(tasks[service_name](), guard)

    def invoke(self: lambda_models.LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        return functions.invoke(self, json.dumps(event))

    def get_builds(_self: object, ids: list[str]) -> list[dict[str, Any]]:
        return [builds.describe(build_id) for build_id in ids if build_id in builds]

    def send_event(_account: str, bucket: Any, event_name: str, key: Any) -> None:
        event = _object_created(bucket, event_name, key)
        if event:
            deliver(event)

    def serve(application: Any, environ: dict[str, Any], start_response: Any) -> Any:
        return guard.serve(partial(_serve, application), environ, start_response)

    _set(factory, "state_task_service_for", task_for)
    _set(asl_jsonata, "_eval_jsonata", jsonata.evaluate)
    # Its own, so that a retry in a thread does not change what the process draws next.
    _set(asl_jitter, "random", random.SystemRandom())
    _set(asl_state, "StateData", _state_data)
    _set(asl_states, "encode_jsonata_variable_declarations", jsonata.declare)
    _set(asl_variables, "encode_jsonata_variable_declarations", jsonata.declare)
    _set(stepfunctions_models.StepFunctionsParserBackend, "send_task_success", _send_task_success)
    _set(lambda_models.LambdaFunction, "_invoke_lambda", invoke)
    _set(lambda_models.LambdaFunction, "invoke", _queued(functions))
    _set(codebuild_models.CodeBuildBackend, "batch_get_builds", get_builds)
    _set(codebuild_responses, "_validate_required_params_environment", _check_environment)
    _set(DomainDispatcherApplication, "get_backend_for_host", moto_caches.backend_for_host)
    _set(DomainDispatcherApplication, "__call__", serve)
    _set(AmazonStateLanguageParser, "parse", staticmethod(moto_caches.parse))
    _set(asl_boto_client, "boto3", moto_caches.task_clients)
    _set(s3_models.FakeBucket, "get_permission", _bucket_permission)
    for listed in (s3_models.FakeKey, s3_models.FakeDeleteMarker):
        listed.__deepcopy__ = _listed  # type: ignore[attr-defined]
    _set(moto_s3_notifications, "_send_event_bridge_message", send_event)
    _set(moto_s3_notifications, "_get_s3_event", _notification)
    _set(moto_s3_notifications, "_invoke_awslambda", _to_function(notify))


def _queued(functions: Functions) -> Callable[..., str | bytes]:
    """Run an asynchronous invocation later; moto makes its caller wait, and returns its error."""

    def invoke(self: Any, body: str, headers: Any, response_headers: Any) -> str | bytes:
        if headers.get("x-amz-invocation-type") != "Event":
            return _invoke_and_wait(self, body, headers, response_headers)
        functions.queue(self, json.dumps(json.loads(body)))
        return ""

    return invoke


def _set(owner: Any, name: str, value: Any) -> None:
    if not hasattr(owner, name):
        raise RuntimeError(
            f"moto has no {owner}.{name} any more: read local/moto_patches.py against it"
        )
    setattr(owner, name, value)


def _state_data(**data: str) -> dict[str, str]:
    """The context object's State with AWS's time format; moto writes microseconds and no ``Z``.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """
    entered = datetime.fromisoformat(data["EnteredTime"]).replace(tzinfo=None)
    return {**data, "EnteredTime": entered.isoformat(timespec="milliseconds") + "Z"}


def _send_task_success(self: Any, task_token: str, outcome: str) -> None:
    """Accept a token once, while its execution runs; in moto a second call replaces the result.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
    """
    with _token:
        for machine in self.state_machines:
            for execution in machine.executions:
                environment = execution.exec_worker and execution.exec_worker.env
                endpoint = environment and environment.callback_pool_manager.get(task_token)
                if not endpoint:
                    continue
                notified = endpoint._notify_event.is_set()  # noqa: SLF001 (moto has no other way)
                if notified or execution.exec_status != "RUNNING":
                    raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
                endpoint.notify(CallbackOutcomeSuccess(callback_id=task_token, output=outcome))
                return
    raise InvalidToken


def _listed(self: Any, _memo: object) -> Any:
    """A copy for a listing of versions, which shares the content.

    For each such listing moto copies all versions of the bucket, with their contents, and keeps
    the copies until it is reset. The listing itself changes ``is_latest`` only.
    """
    copy = object.__new__(type(self))  # not BaseModel's, which keeps each instance
    vars(copy).update(vars(self), dispose=lambda garbage=False: None)  # called by ``__del__``
    return copy


def _bucket_permission(*_: object) -> PermissionResult:
    """Leave it to local/permissions: moto ignores conditions, and would deny too much."""
    return PermissionResult.NEUTRAL


def _to_function(notify: Callable[[str, dict[str, Any]], None]) -> Callable[..., None]:
    """What moto calls with a function's event."""

    def send(_account: str, event: Any, function: str, _region: str) -> None:
        if event:
            notify(function, event)

    return send


def _notification(event_name: str, bucket: Any, key: Any, notification: str) -> Any:
    """S3's own event, None for one that S3 does not send."""
    if _is_put_of_parts(event_name, key):
        return None
    return s3_notifications.event(event_name, bucket, key, notification)


def _is_put_of_parts(event_name: str, key: Any) -> bool:
    """Whether it is moto's Put event for a multipart upload, which S3 does not send."""
    return getattr(key, "multipart", None) is not None and event_name.endswith(":Put")


def _object_created(bucket: Any, event_name: str, key: Any) -> dict[str, Any] | None:
    """The event as S3 sends it; moto's has constant ids and another ``etag``."""
    reasons = {
        "s3:ObjectCreated:Put": "PutObject",
        "s3:ObjectCreated:Copy": "CopyObject",
        "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    }
    if event_name not in reasons or _is_put_of_parts(event_name, key):
        return None
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": bucket.account_id,
        "time": iso_8601_datetime_without_milliseconds(utcnow()),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": key.name,
                "size": key.size,
                "etag": key.etag.strip('"'),
                "version-id": key.version_id,
                "sequencer": uuid.uuid4().hex[:16].upper(),
            },
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": bucket.account_id,
            "source-ip-address": "127.0.0.1",
            "reason": reasons[event_name],
        },
    }


def _check_environment(environment: dict[str, Any]) -> None:
    """Moto does not know Lambda compute.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html
    """
    types = {"LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER"}
    if environment["type"] in types and environment["computeType"] in LAMBDA:
        return
    _check_containers(environment)
