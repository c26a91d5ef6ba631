"""A zip arrives whole or not at all, and an upload that was interrupted goes on."""

import base64
import hashlib
import io
import json
import os
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from ops.errors import CommandError
from ops.upload import transfer
from ops.upload.transfer import PART, SMALL, Zip, send
from ops.upload.unfinished import Destination, Unfinished

TO = Destination(bucket="uploads", key="payments/api.zip", metadata={"branch": "main"})
LARGE = os.urandom(SMALL + PART + 5)
PARTS = 4


def checksum(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


class Bucket:
    """S3 with what moto lacks: it checks the SHA-256 of parts, and lists it.

    ``before`` is called with each operation and its parameters; ``calls`` counts them.
    """

    def __init__(self, environment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s3, self.calls, self.before = environment.s3, Counter[str](), lambda *_: None
        real, parts, lock = (
            BaseClient._make_api_call,
            dict[tuple[str, int], str](),
            threading.Lock(),
        )

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            with lock:
                self.calls[operation] += 1
                if operation == "UploadPart":
                    self.calls[f"part {parameters['PartNumber']}"] += 1
                self.before(operation, parameters)
            if operation in ("PutObject", "UploadPart"):
                body = parameters["Body"]
                content = body if isinstance(body, bytes) else body.getvalue()
                assert parameters["ChecksumSHA256"] == checksum(content)
            answer = real(client, operation, parameters)
            if operation == "UploadPart":
                number = parameters["PartNumber"]
                parts[parameters["UploadId"], number] = parameters["ChecksumSHA256"]
            if operation == "ListParts":
                for part in answer.get("Parts", []):
                    part["ChecksumSHA256"] = parts[parameters["UploadId"], part["PartNumber"]]
            if operation == "CompleteMultipartUpload":
                for part in parameters["MultipartUpload"]["Parts"]:
                    known = parts[parameters["UploadId"], part["PartNumber"]]
                    assert part["ChecksumSHA256"] == known
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def versions(self) -> list[bytes]:
        """The contents of all versions, the newest first."""
        listed = self.s3.list_object_versions(Bucket="uploads").get("Versions", [])
        where = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]
        return [self.s3.get_object(Bucket="uploads", **item)["Body"].read() for item in where]

    def unfinished(self) -> int:
        return len(self.s3.list_multipart_uploads(Bucket="uploads").get("Uploads", []))


@pytest.fixture
def bucket(environment, monkeypatch, tmp_path) -> Bucket:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Bucket(environment, monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "api.zip"
    path.write_bytes(LARGE)
    return path


def sent(bucket: Bucket, file: Path, to: Destination = TO) -> str:
    with file.open("rb") as opened:
        amounts: list[int] = []
        version = send(bucket.s3, Zip(opened, str(file)), to, amounts.append)
    assert max(amounts) == amounts[-1] == file.stat().st_size
    return version


def fail_at(part: int, error: BaseException) -> Any:
    """Let the upload of ``part`` fail, after the others before it."""

    def before(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "UploadPart" and parameters["PartNumber"] == part:
            raise error

    return before


def test_a_small_zip_is_one_request(bucket, file):
    file.write_bytes(b"small")

    version = sent(bucket, file)

    assert bucket.calls.keys() == {"PutObject"}
    assert bucket.versions() == [b"small"]
    head = bucket.s3.head_object(Bucket="uploads", Key=TO.key, VersionId=version)
    assert head["Metadata"] == {"branch": "main"}


@pytest.mark.parametrize("size", [SMALL + 1, 3 * PART], ids=["a byte more", "whole parts"])
def test_a_large_zip_arrives_in_parts(bucket, file, size):
    file.write_bytes(LARGE[:size])

    version = sent(bucket, file)

    assert bucket.versions() == [LARGE[:size]]
    assert bucket.calls["UploadPart"] == 3
    head = bucket.s3.head_object(Bucket="uploads", Key=TO.key, VersionId=version)
    assert head["Metadata"] == {"branch": "main"}
    assert bucket.unfinished() == 0


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="https://s3"), KeyboardInterrupt()],
    ids=["no network", "Ctrl-C"],
)
def test_an_interrupted_upload_is_continued(bucket, file, error, monkeypatch):
    monkeypatch.setattr(transfer, "PARALLEL", 1)
    bucket.before = fail_at(3, error)
    with pytest.raises(type(error)):
        sent(bucket, file)
    assert bucket.versions() == []
    bucket.before = lambda *_: None

    sent(bucket, file)

    assert bucket.versions() == [LARGE]
    assert bucket.calls["CreateMultipartUpload"] == 1
    assert [bucket.calls[f"part {number}"] for number in (1, 2, 3)] == [1, 1, 2]
    sent(bucket, file)
    assert bucket.calls["CreateMultipartUpload"] == 2


def test_another_file_or_other_claims_begin_again(bucket, file):
    bucket.before = fail_at(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        sent(bucket, file)
    bucket.before = lambda *_: None

    other = Destination(bucket="uploads", key=TO.key, metadata={"branch": "other"})
    version = sent(bucket, file, other)
    file.write_bytes(b"x" + LARGE[1:])
    sent(bucket, file)

    assert bucket.calls["CreateMultipartUpload"] == 3
    assert bucket.versions() == [b"x" + LARGE[1:], LARGE]
    head = bucket.s3.head_object(Bucket="uploads", Key=TO.key, VersionId=version)
    assert head["Metadata"] == {"branch": "other"}


def test_an_upload_that_expired_begins_again(bucket, file):
    bucket.before = fail_at(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        sent(bucket, file)
    bucket.before = lambda *_: None
    [upload] = bucket.s3.list_multipart_uploads(Bucket="uploads")["Uploads"]
    bucket.s3.abort_multipart_upload(Bucket="uploads", Key=TO.key, UploadId=upload["UploadId"])

    sent(bucket, file)

    assert bucket.versions() == [LARGE]


def test_a_run_whose_upload_another_one_completed_makes_a_version_of_its_own(bucket, file):
    def complete_elsewhere(operation: str, parameters: dict[str, Any]) -> None:
        if operation == "CompleteMultipartUpload" and bucket.calls[operation] == 1:
            raise ClientError({"Error": {"Code": "NoSuchUpload"}}, operation)

    bucket.before = complete_elsewhere

    sent(bucket, file)

    assert bucket.versions() == [LARGE]
    assert bucket.calls["CreateMultipartUpload"] == 2


def test_parts_that_are_not_of_this_file_are_sent_again(bucket, file):
    answer = bucket.s3.create_multipart_upload(Bucket="uploads", Key=TO.key)
    for number in (1, 2):
        body = b"x" * PART
        bucket.s3.upload_part(
            Bucket="uploads", Key=TO.key, UploadId=answer["UploadId"], PartNumber=number,
            Body=io.BytesIO(body), ChecksumSHA256=checksum(body),
        )  # fmt: skip
    Unfinished(TO, hashlib.sha256(LARGE).hexdigest()).remember(answer["UploadId"])

    sent(bucket, file)

    assert bucket.versions() == [LARGE]
    assert bucket.calls["UploadPart"] == 2 + PARTS


@pytest.mark.parametrize("change", ["rewritten", "longer"])
def test_a_file_that_changes_during_the_upload_is_an_error(bucket, file, change):
    def write(operation: str, _: Any) -> None:
        if operation == "CreateMultipartUpload":
            with file.open("r+b" if change == "rewritten" else "ab") as opened:
                opened.write(b"x" * 100)

    file.write_bytes(LARGE[: 3 * PART])  # whole parts stay the same if it becomes longer
    bucket.before = write

    with file.open("rb") as opened, pytest.raises(CommandError, match="was changed during"):
        send(bucket.s3, Zip(opened, str(file)), TO, lambda _: None)

    assert (bucket.versions(), bucket.unfinished()) == ([], 0)


def test_a_small_file_that_changes_is_not_uploaded(bucket, file):
    file.write_bytes(b"small")
    with file.open("rb") as opened:
        archive = Zip(opened, str(file))
        file.write_bytes(b"other")
        with pytest.raises(CommandError, match="was changed during"):
            send(bucket.s3, archive, TO, lambda _: None)

    assert bucket.versions() == []


def test_a_file_that_s3_would_not_take_is_refused(bucket, file, monkeypatch):
    monkeypatch.setattr(transfer, "MOST_PARTS", 2)

    with file.open("rb") as opened, pytest.raises(CommandError, match="larger than"):
        Zip(opened, str(file))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"uploadId": "a"}',
        json.dumps({"uploadId": "../a?b"}).encode(),
        json.dumps({"uploadId": 1}).encode(),
    ],
    ids=["empty", "no text", "a list", "deep", "of nothing", "no id", "a number"],
)
def test_a_remembered_upload_that_is_not_valid_is_ignored(tmp_path, monkeypatch, content):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    unfinished = Unfinished(TO, "0" * 64)
    unfinished.remember("abc.DEF_1")
    assert unfinished.upload_id == "abc.DEF_1"
    [stored] = tmp_path.rglob("*.json")
    assert stored.stat().st_mode & 0o777 == 0o600
    document = json.loads(stored.read_text())
    changed = json.loads(content) if content[:1] == b"{" else None
    stored.write_bytes(json.dumps({**document, **changed}).encode() if changed else content)
    if changed == {"uploadId": "a"}:
        stored.write_text(json.dumps({**document, "key": "other/a.zip"}))

    assert unfinished.upload_id == ""


def test_a_cache_that_cannot_be_written_costs_only_the_memory(bucket, file, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")

    sent(bucket, file)

    assert bucket.versions() == [LARGE]


def test_a_user_without_a_home_has_no_memory(bucket, file, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")

    def unknown(cls: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", classmethod(unknown))

    sent(bucket, file)

    assert bucket.versions() == [LARGE]


def test_a_bucket_without_versions_is_no_upload_bucket(environment, tmp_path):
    place: Any = {"LocationConstraint": "eu-central-1"}
    environment.s3.create_bucket(Bucket="other", CreateBucketConfiguration=place)
    file = tmp_path / "api.zip"
    file.write_bytes(b"zip")

    with file.open("rb") as opened, pytest.raises(CommandError, match="no version"):
        send(environment.s3, Zip(opened, "api.zip"), replace(TO, bucket="other"), lambda _: None)
