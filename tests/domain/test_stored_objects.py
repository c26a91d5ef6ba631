"""Objects are write-once, also under concurrent writes."""

import ast
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from domain import stored_objects
from domain.stored_objects import error_code, get_object, put_if_absent, replace

ROOT = Path(__file__).parents[2]


class Refused(Exception):
    """An error with the attributes of botocore's ClientError that the code reads."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class Body:
    def __init__(self, body: bytes) -> None:
        self.read = lambda: body


class Bucket:
    """``conflicts`` writes get a 409, after which ``theirs`` (if any) is stored."""

    def __init__(self, conflicts: int = 0, theirs: bytes | None = None) -> None:
        self.stored: bytes | None = None
        self._conflicts, self._theirs = conflicts, theirs

    def put_object(self, *, Body: bytes, **parameters: Any) -> None:
        if self._conflicts:
            self._conflicts -= 1
            if not self._conflicts:
                self.stored = self._theirs
            raise Refused("ConditionalRequestConflict")
        if self.stored is not None and parameters.get("IfNoneMatch"):
            raise Refused("PreconditionFailed")
        self.stored = Body

    def get_object(self, **_: Any) -> dict[str, Any]:
        if self.stored is None:
            raise Refused("NoSuchKey")
        return {"Body": Body(self.stored), "ETag": "1"}


@pytest.mark.parametrize("calculation", ["when_supported", "when_required"])
def test_each_write_has_a_checksum_whatever_the_client_adds_by_itself(calculation: Any):
    """A bucket with Object Lock refuses a write without one."""
    s3 = boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(request_checksum_calculation=calculation),
    )
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.headers)
        return AWSResponse("", 200, {}, Mock(stream=lambda: [b""]))

    s3.meta.events.register("before-send.s3.PutObject", answer)

    assert put_if_absent(s3, "evidence", "key", b"{}").written
    assert replace(s3, "state", "key", b"{}", None)

    assert [headers["x-amz-sdk-checksum-algorithm"] for headers in sent] == [b"SHA256"] * 2


def test_a_write_that_conflicts_with_a_failing_one_is_retried():
    s3 = Bucket(conflicts=2)

    stored = put_if_absent(s3, "evidence", "key", b"ours")

    assert (stored.written, stored.body, s3.stored) == (True, b"ours", b"ours")


def test_a_write_that_conflicts_with_a_successful_one_returns_the_stored_object():
    s3 = Bucket(conflicts=1, theirs=b"theirs")

    stored = put_if_absent(s3, "evidence", "key", b"ours")

    assert (stored.written, stored.body, s3.stored) == (False, b"theirs", b"theirs")


def test_conflicts_without_end_are_an_error():
    s3 = Bucket(conflicts=stored_objects.TRIES + 1)

    with pytest.raises(Refused, match="ConditionalRequestConflict"):
        put_if_absent(s3, "evidence", "key", b"ours")


def test_an_error_of_another_kind_reaches_the_caller():
    with pytest.raises(Refused, match="NoSuchBucket"):
        put_if_absent(Failing("NoSuchBucket"), "evidence", "key", b"ours")


def test_a_call_without_a_response_fails_as_such():
    class Silent:
        def get_object(self, **_: Any) -> None:
            raise ReadTimeoutError(endpoint_url="https://s3.example")

    with pytest.raises(ReadTimeoutError) as raised:
        get_object(Silent(), "evidence", "key")

    assert error_code(raised.value) == ""


class Failing:
    def __init__(self, code: str) -> None:
        self._code = code

    def put_object(self, **_: Any) -> None:
        raise Refused(self._code)


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict"])
def test_a_changed_object_is_not_replaced(code: str):
    assert not replace(Failing(code), "state", "key", b"ours", None)


def test_objects_are_written_whole_as_the_policy_of_the_evidence_demands():
    """A copy or a part of an upload takes no ``If-None-Match``, so the bucket refuses it."""
    whole = "put_object"
    otherwise = (
        "copy_object", "create_multipart_upload", "upload_file", "upload_fileobj", "upload_part",
    )  # fmt: skip
    calls = {
        (path.relative_to(ROOT).as_posix(), node.attr)
        for folder in ("domain", "handlers", "scan")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in (whole, *otherwise)
    }

    assert calls == {("domain/stored_objects.py", whole)}
