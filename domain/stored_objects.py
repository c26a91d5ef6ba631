"""Objects in S3 that are written once, or only over what was there before.

``s3`` is a client of boto3. Its errors are known by what they carry, so nothing is imported here.
The rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

# Of a write that meets another one: the other ends within some round trips.
TRIES = 10


@dataclass(frozen=True)
class StoredObject:
    """One object as stored, with its ETag; ``written`` says whether this call wrote it."""

    body: bytes
    written: bool = False
    etag: str = ""

    @property
    def document(self) -> Any:
        """The parsed JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()


def error_code(error: Exception) -> str:
    """As in ``NoSuchKey``; empty where ``error`` is no answer of AWS, or the answer names none."""
    return getattr(error, "response", {}).get("Error", {}).get("Code", "")


def to_json(document: object) -> bytes:
    """Return the body of a JSON document."""
    return json.dumps(document, indent=1).encode()


def get_object(s3: Any, bucket: str, key: str) -> StoredObject | None:
    """Return the object as stored, None where there is none."""
    try:
        response = s3.get_object(Bucket=bucket, Key=key)
    except Exception as error:
        if error_code(error) in ("NoSuchKey", "KeyTooLongError"):
            return None
        raise
    return StoredObject(response["Body"].read(), etag=response["ETag"])


def put_if_absent(
    s3: Any, bucket: str, key: str, body: bytes, content_type: str = "application/json"
) -> StoredObject:
    """Write the object unless it is there; return what is stored.

    S3 answers 412 when the object is there, and 409 when somebody writes it right now, which does
    not say yet who wins. Where an answer is lost, boto3 asks again and finds its own object.
    """
    for attempt in range(1, TRIES + 1):
        try:
            _put(s3, bucket, key, body, content_type, IfNoneMatch="*")
        except Exception as error:
            code = error_code(error)
            if code == "PreconditionFailed" and (stored := get_object(s3, bucket, key)):
                return stored
            if code != "ConditionalRequestConflict" or attempt == TRIES:
                raise
        else:
            return StoredObject(body, written=True)
    raise AssertionError("unreachable")


def replace(s3: Any, bucket: str, key: str, body: bytes, current: StoredObject | None) -> bool:
    """Write the object over ``current``, None for nothing; return whether that was still stored.

    S3 answers 412 where it was not, 404 where it is gone, and 409 when somebody writes it right
    now.
    """
    condition = {"IfMatch": current.etag} if current else {"IfNoneMatch": "*"}
    try:
        _put(s3, bucket, key, body, "application/json", **condition)
    except Exception as error:
        if error_code(error) in ("PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict"):
            return False
        raise
    return True


def _put(s3: Any, bucket: str, key: str, body: bytes, content_type: str, **condition: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **condition)
