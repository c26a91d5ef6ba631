"""Conditional writes to S3: create an object once, or replace only a known version of it.

``s3`` is a boto3 client. Its errors are recognised by their ``response``, without importing
botocore. See https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

import hashlib
import json
from typing import Any, NamedTuple

# Attempts of a write that conflicts with another one; conflicts last for a few round trips.
TRIES = 10


class StoredObject(NamedTuple):
    """One object as stored, with its ETag; ``written`` says whether this call wrote it."""

    body: bytes
    written: bool = False
    etag: str = ""

    @property
    def document(self) -> Any:
        """The parsed JSON, None if the body is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def sha256(self) -> str:
        """The SHA-256 in hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()


def error_code(error: Exception) -> str:
    """For example ``NoSuchKey``; empty if ``error`` is not a response of AWS, or has no code."""
    # botocore's errors of a connection, such as ReadTimeoutError, have a ``response`` of None.
    response: Any = getattr(error, "response", None) or {}
    return response.get("Error", {}).get("Code", "")


def to_json(document: object) -> bytes:
    """Return the body of a JSON document."""
    return json.dumps(document, indent=1).encode()


def get_object(
    s3: Any, bucket: str, key: str, most_bytes: int | None = None
) -> StoredObject | None:
    """Return the stored object, None if it does not exist or has more than ``most_bytes``."""
    try:
        response = s3.get_object(Bucket=bucket, Key=key)
    except Exception as error:
        if error_code(error) in ("NoSuchKey", "KeyTooLongError"):
            return None
        raise
    if most_bytes is not None and response["ContentLength"] > most_bytes:
        response["Body"].close()
        return None
    return StoredObject(response["Body"].read(), etag=response["ETag"])


def put_if_absent(
    s3: Any, bucket: str, key: str, body: bytes, content_type: str = "application/json"
) -> StoredObject:
    """Write the object unless it exists; return the stored one.

    S3 answers 412 if the object exists, and 409 during another write, whose result is not yet
    known. If a response is lost, boto3's retry gets 412, and the object is read, not ``written``.
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
    """Replace ``current`` (None: create the object); return whether it was still stored.

    S3 answers 412 if it was replaced, 404 if it was deleted, and 409 during another write.
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
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=body,
        ContentType=content_type,
        # Object Lock wants a checksum; which one botocore sends by itself, if any, depends on its
        # version and configuration. This one is also that of the evidence
        # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html).
        ChecksumAlgorithm="SHA256",
        **condition,
    )
