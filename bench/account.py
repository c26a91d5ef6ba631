"""A local account for calling functions alone, and uploads with the evidence that they read."""

import json
import time
import uuid
from pathlib import Path
from typing import Any, Self

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from domain.evidence_paths import evidence_key, waiting_key
from domain.scan_id import scan_id
from local.account import ACCOUNT, LocalAccount

EVENTS = Path(__file__).parent.parent / "tests" / "events"
# The recorded events are about this version, file and bucket.
RECORDED = ("3LgVabcQk4Xb9ZfZ.7uK0pQ1rT2mN8sE", "api-1.4.zip", "chatops-slack-dev-uploads-9f8e7d6")
LOG_GROUP, LOG_STREAM = "/bench/build", "build"
NEVER = "2999-01-01T00:00:00Z"


def _accept(_backend: object, task_token: str, outcome: str) -> dict[str, Any]:
    return {}


_START = ExecutionWorker.start


def _start_nothing(_worker: object) -> None:
    pass


class QuietAccount(LocalAccount):
    """Has the program deployed, but uploads start nothing: functions are called directly."""

    def __enter__(self) -> Self:
        super().__enter__()
        logs = self.client("logs")
        logs.create_log_group(logGroupName=LOG_GROUP)
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM)
        now = int(time.time() * 1000)
        lines = [{"timestamp": now, "message": f"line {number}"} for number in range(100)]
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM, logEvents=lines)
        # No execution waits: the token of Upload.request_decision must be accepted nevertheless.
        StepFunctionsParserBackend.send_task_success = _accept  # pyright: ignore[reportAttributeAccessIssue]
        sfn = self.client("stepfunctions")
        self.ended_execution = sfn.start_execution(
            stateMachineArn=self.outputs["stateMachine"], input="{}"
        )["executionArn"]
        sfn.stop_execution(executionArn=self.ended_execution)
        # The executions that `rescan` starts would run builds while functions are measured.
        ExecutionWorker.start = _start_nothing  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        ExecutionWorker.start = _START  # type: ignore[method-assign]
        super().__exit__(*error)

    def deliver(self, event: dict[str, Any]) -> None:
        """Start nothing."""

    def notify(self, function: str, event: dict[str, Any]) -> None:
        """Call nothing."""

    def deployed_functions(self) -> dict[str, LambdaFunction]:
        """The program's functions in all regions, by module."""
        return {
            str(function.handler).split(".")[1]: function
            for backend in lambda_backends[ACCOUNT].values()
            for function in backend.list_functions()
        }


class Upload:
    """A version of a new key, with the evidence that a case needs.

    ``names`` are the file's name and the version ids, all of them unique.
    """

    def __init__(self, account: QuietAccount) -> None:
        self.account, self._s3 = account, account.client("s3")
        self._forget_cards()
        self.names = [f"{uuid.uuid4().hex}.zip"]
        self.upload_again()

    def upload_again(self) -> None:
        """Upload another version of the key."""
        self.scan = self.account.upload(f"payments/{self.names[0]}", b"zip")
        self.names.append(self.scan.removeprefix(scan_id("payments", "")))

    def recorded(self, name: str) -> Any:
        """The content of ``tests/events/<name>.json``, changed to be about this upload."""
        text = (EVENTS / f"{name}.json").read_text()
        actual = (self.names[-1], self.names[0], self.account.outputs["uploadBucket"])
        for old, new in zip(RECORDED, actual, strict=True):
            text = text.replace(old, new)
        return json.loads(text)

    def put_evidence(self, name: str, document: Any = None) -> None:
        """Write ``<name>.json``: ``document``, or the recorded one of that name."""
        self._put(
            self.account.outputs["artifactsBucket"],
            evidence_key(self.scan, f"{name}.json"),
            document or self.recorded(name),
        )

    def request_decision(self) -> None:
        """Write the task token of an execution that waits for a decision."""
        request = {
            "token": "token",
            "scan": self.scan,
            "kind": "decision",
            "sha256": "d" * 64,
            "expiresAt": NEVER,
            "redrive": 0,
            "enteredAt": "2026-11-24T10:00:00.000Z",
            "retry": 0,
            "requestedAt": "2026-11-24T10:00:00Z",
        }
        self._put(self.account.outputs["stateBucket"], waiting_key(self.scan), request)

    def _forget_cards(self) -> None:
        """Remove the thread slots of earlier cards: their number changes what a function calls."""
        bucket = self.account.outputs["stateBucket"]
        slots = self._s3.list_objects_v2(Bucket=bucket, Prefix="thread-slots/")
        for slot in slots.get("Contents", []):
            self._s3.delete_object(Bucket=bucket, Key=slot["Key"])

    def _put(self, bucket: str, key: str, document: Any) -> None:
        self._s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document))
