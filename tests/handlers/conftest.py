"""The handlers with their environment, on moto; AWS's responses can be changed per call."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import moto  # before the handlers, so that it can patch their clients
import pytest
from botocore.client import BaseClient

from handlers import aws as handlers_aws
from tests.support.documents import check_put

BUCKET, STATE, UPLOADS = "artifacts", "work", "chatops-slack-dev-uploads-9f8e7d6"
ENVIRONMENT = {
    "ARTIFACTS_BUCKET": BUCKET,
    "APPROVAL_FUNCTION": "approval-1a2b3c4",
    "STATE_BUCKET": STATE,
    "DIGEST_AFTER": "3",
    "DIGEST_SECONDS": "300",
    "TEAM_BUTTONS": json.dumps(
        {
            "Team1": {
                "function": "rescan-5d6e7f8",
                "outcomes": ["error", "approval-expired"],
                "again": True,
            },
        }
    ),
    "EXCEPTION_SECONDS": str(30 * 24 * 3600),
    "MAX_EXCEPTION_SECONDS": str(90 * 24 * 3600),
    "STORED_DAYS": "94",
    "APPROVALS": "1",
    "APPROVAL_COVERS": "version",
    "SELF_APPROVAL": "warn",
    "PEOPLE": "{}",
    "SENDER": "Quality gate <gate@example.com>",
    "CONFIGURATION_SET": "chatops-slack-dev",
    "RECIPIENTS": '{"": ["dev@example.com", "lead@example.com"], "web": ["web@example.com"]}',
    "UPLOADER_DOMAINS": '["example.com"]',
    "FAILURE_EMAILS": "recipients",
    "ESCALATION_MENTION": "<!here>",
    "EVIDENCE_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
with pytest.MonkeyPatch.context() as patch:
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    from domain import timestamps
    from handlers import (
        approval,
        approver_audit,
        callback,
        check_build_status,
        notify,
        open_scan,
        parallel,
        rescan,
        uploader,
    )

    s3 = boto3.client("s3")

ENTRIES = (
    approval,
    callback,
    check_build_status,
    notify,
    open_scan,
    rescan,
    approver_audit,
    uploader,
)
CLIENTS: list[Any] = [
    value for entry in ENTRIES for value in vars(entry).values() if isinstance(value, BaseClient)
]
# Everything that handlers write in a test is validated against its schema.
for client in CLIENTS:
    client.meta.events.register("provide-client-params.s3.PutObject", check_put)

EVENTS = Path(__file__).parents[1] / "events"


def created(key: str, version: str, attempt: int | None = None) -> dict[str, Any]:
    """The event of an upload, as EventBridge sends it to the state machine."""
    event = {
        "time": "2026-11-24T09:00:00Z",
        "detail": {
            "bucket": {"name": UPLOADS},
            "object": {"key": key, "version-id": version, "etag": "9f8e", "size": 1024},
            "requester": "123456789012",
        },
    }
    return event if attempt is None else {**event, "attempt": attempt}


class Http:
    """What botocore needs of a response that was never sent."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def refuse(code: str, status: int = 400) -> Any:
    return Http(status), {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {}}


class Calls:
    """Watches the handlers' AWS calls.

    ``before[operation]`` is called before each call of that operation with its parameters: what it
    raises is raised to the caller, what it returns is the response; None lets the call through.
    """

    def __init__(self) -> None:
        self.made: list[str] = []
        self.before: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.every: Callable[[str], None] = lambda operation: None

    def refuse(self, operation: str, code: str, times: int | None = None) -> None:
        """Answer the next ``times`` calls (by default all) with the error ``code``."""
        left = iter(range(times) if times else iter(int, 1))
        self.before[operation] = lambda params: None if next(left, None) is None else refuse(code)

    def accept(self, operation: str, **answer: Any) -> list[Any]:
        """Accept each call of ``operation``; return the growing list of their parameters."""
        requests: list[Any] = []

        def accept(params: dict[str, Any]) -> Any:
            requests.append(json.loads(params["body"]))
            return Http(200), answer

        self.before[operation] = accept
        return requests

    def _before_call(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        self.made.append(model.name)
        self.every(model.name)
        return self.before.get(model.name, lambda params: None)(params)


class Machine:
    """The waiting state machine: each token resumes it once, as on AWS."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.resumed: list[str] = []

    def send_task_success(self, params: dict[str, Any]) -> Any:
        token = json.loads(params["body"])["taskToken"]
        if token not in self.waiting:
            return refuse("TaskTimedOut")
        self.waiting.remove(token)
        self.resumed.append(token)
        return Http(200), {}


class Artifacts:
    """The artifacts bucket, by key; waiting tokens are in the state bucket."""

    s3 = s3

    def __setitem__(self, key: str, document: Any) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document)
        self.s3.put_object(Bucket=self.bucket(key), Key=key, Body=body)

    def __getitem__(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=self.bucket(key), Key=key)["Body"].read())

    def __contains__(self, key: str) -> bool:
        return bool(self.s3.list_objects_v2(Bucket=self.bucket(key), Prefix=key)["KeyCount"])

    @staticmethod
    def bucket(key: str) -> str:
        return (
            STATE if key.startswith(("waiting/", "thread-slots/", "apps/", "resting/")) else BUCKET
        )

    def upload(self, key: str) -> str:
        """Upload another version of ``key``; return its id."""
        return self.s3.put_object(Bucket=UPLOADS, Key=key, Body=b"zip")["VersionId"]


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Any]:
    """Read a recorded event or document of evidence by its name."""
    return lambda name: json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with moto.mock_aws():
        handlers_aws.session.cache_clear()  # it may be older than moto's hooks
        yield


@pytest.fixture(autouse=True)
def calls_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make simultaneous calls one after the other, so that tests can rely on their order.

    test_parallel.py has real threads.
    """

    def in_order(call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [call(item) for item in items]

    monkeypatch.setattr(parallel, "map_all", in_order)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the functions' clock, for example to ``2026-12-24T10:00:00Z``."""

    def set_to(when: str) -> None:
        monkeypatch.setattr(timestamps, "now", lambda: datetime.fromisoformat(when))

    return set_to


@pytest.fixture
def artifacts(aws: None) -> Artifacts:
    for bucket in (BUCKET, STATE, UPLOADS):
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
    return Artifacts()


@pytest.fixture
def calls(aws: None) -> Iterator[Calls]:
    calls = Calls()
    for client in CLIENTS:
        client.meta.events.register_first("before-call", calls._before_call)
    yield calls
    for client in CLIENTS:
        client.meta.events.unregister("before-call", calls._before_call)


@pytest.fixture
def machine(calls: Calls) -> Machine:
    machine = Machine()
    calls.before["SendTaskSuccess"] = machine.send_task_success
    calls.accept("DescribeExecution", status="RUNNING")
    return machine
