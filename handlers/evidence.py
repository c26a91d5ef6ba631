"""One scan's objects in the artifacts bucket, and what waits for it in the work bucket.

Each piece of evidence is written once and names the SHA-256 of the piece before it, so that a later
change shows: scanner.log, report.json, verdict.json, decision.json, withdrawal.json.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.scan_id import ATTEMPT

# Who presses a button waits 15 s at most: a call that hangs must end early enough to say so.
QUICK = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)

# Of a write that meets another one: the other ends within some round trips.
TRIES = 10

# Who runs in another region than the evidence is told its region.
s3 = boto3.client("s3", region_name=os.environ.get("EVIDENCE_REGION"), config=QUICK)


def error_code(error: ClientError) -> str:
    """As in ``NoSuchKey``; empty where the answer names none."""
    return error.response.get("Error", {}).get("Code", "")


@dataclass(frozen=True)
class Piece:
    """One object as it stands, with its ETag; ``written`` says whether this call wrote it."""

    bytes: bytes
    written: bool = False
    etag: str = ""

    @property
    def document(self) -> Any:
        """The parsed JSON, None where it is none."""
        try:
            return json.loads(self.bytes)
        except (ValueError, RecursionError):
            return None

    @property
    def digest(self) -> str:
        """The SHA-256 in hexadecimal digits."""
        return hashlib.sha256(self.bytes).hexdigest()


@dataclass(frozen=True)
class Evidence:
    """What ``bucket`` holds of ``scan``; ``scan`` is a scan's id."""

    bucket: str
    scan: str

    def piece(self, name: str) -> Piece | None:
        """Return ``name`` as it stands, None where there is none."""
        return piece(self.bucket, f"scans/{self.scan}/{name}")

    def read(self, name: str) -> Any:
        """Return the parsed JSON of ``name``, None where there is none (or no JSON)."""
        piece = self.piece(name)
        return piece and piece.document

    def all(self, folder: str) -> list[Any]:
        """Return the parsed JSON of what lies in ``folder``, of at most 200 objects."""
        prefix = f"scans/{self.scan}/"
        found = s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}{folder}/", MaxKeys=200)
        return [self.read(each["Key"].removeprefix(prefix)) for each in found.get("Contents", [])]

    def keep(self, name: str, document: object) -> Piece:
        """Write ``name`` unless it is there; return what stands."""
        return keep(self.bucket, f"scans/{self.scan}/{name}", document)


def piece(bucket: str, key: str) -> Piece | None:
    """Return the object as it stands, None where there is none."""
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) in ("NoSuchKey", "KeyTooLongError"):
            return None
        raise
    return Piece(found["Body"].read(), etag=found["ETag"])


def keep(bucket: str, key: str, document: object) -> Piece:
    """Write the object unless it is there; return what stands.

    S3 answers 412 when the object is there, and 409 when somebody writes it right now, which tells
    nothing yet about who wins
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
    """
    body = _json(document)
    for attempt in range(1, TRIES + 1):
        try:
            _put(bucket, key, body, IfNoneMatch="*")
        except ClientError as error:
            code = error_code(error)
            if code == "PreconditionFailed" and (standing := piece(bucket, key)):
                return standing
            if code != "ConditionalRequestConflict" or attempt == TRIES:
                raise
        else:
            return Piece(body, written=True)
    raise AssertionError("unreachable")


def attempts(bucket: str, app: str, version: str) -> list[int]:
    """Return the numbers of the scans that there are of an uploaded version, in order."""
    prefix = f"scans/{app}/{version}"
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/")
    ends = (each["Prefix"][len(prefix) : -1] for each in listed.get("CommonPrefixes", []))
    return sorted(int(match[1] or 1) for each in ends if (match := ATTEMPT.fullmatch(each)))


def replace(bucket: str, key: str, document: object, stands: Piece | None) -> bool:
    """Write the object over ``stands``, None for nothing; return whether that still stood.

    S3 answers 412 where it did not, 404 where it is gone, and 409 when somebody writes it right now
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
    """
    condition = {"IfMatch": stands.etag} if stands else {"IfNoneMatch": "*"}
    try:
        _put(bucket, key, _json(document), **condition)
    except ClientError as error:
        if error_code(error) in ("PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict"):
            return False
        raise
    return True


def waiting(work_bucket: str, scan: str) -> Any:
    """Return ``{scan, token, for, digest, askedAt, until, ...}`` where the state machine waits.

    ``for`` is ``decision`` or ``exception`` (to end, or to be withdrawn); ``digest`` that of the
    evidence that people go by. ``handlers/callback.py`` leaves it.
    """
    stands = piece(work_bucket, f"waiting/{scan}.json")
    return stands and stands.document


def waiting_scans(work_bucket: str, start: str) -> list[str]:
    """Return the scans whose ids begin with ``start`` and for which something waited once."""
    listed = s3.list_objects_v2(Bucket=work_bucket, Prefix=f"waiting/{start}", MaxKeys=100)
    keys = [each["Key"] for each in listed.get("Contents", [])]
    return [key.removeprefix("waiting/").removesuffix(".json") for key in keys]


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1).encode()


def _put(bucket: str, key: str, body: bytes, **condition: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition)
