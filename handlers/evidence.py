"""One scan's objects in the artifacts bucket."""

import json
import os
import re
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Who presses a button waits 15 s at most: a call that hangs must end early enough to say so.
QUICK = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
)
SCAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}/[A-Za-z0-9._-]{1,1024}")

# Who runs in another region than the evidence is told its region.
s3 = boto3.client("s3", region_name=os.environ.get("EVIDENCE_REGION"), config=QUICK)


def error_code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


@dataclass(frozen=True)
class Evidence:
    """What ``bucket`` holds of ``scan``; ``scan`` matches ``SCAN_ID``."""

    bucket: str
    scan: str

    def read(self, name: str) -> Any:
        """Return the parsed JSON of ``name``, None where there is none (or no JSON)."""
        return self._read(f"scans/{self.scan}/{name}")

    def all(self, folder: str) -> list[Any]:
        """Return the parsed JSON of what lies in ``folder``, of at most 200 objects."""
        prefix = f"scans/{self.scan}/{folder}/"
        found = s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=200)
        return [self._read(each["Key"]) for each in found.get("Contents", [])]

    def waiting(self) -> Any:
        """Return ``{token, scan, askedAt, until}`` once the scan awaits its decision."""
        return self._read(f"waiting/{self.scan}.json")

    def write(self, name: str, body: object) -> None:
        self._put(name, body)

    def write_first(self, name: str, body: object) -> bool:
        """Write ``name`` unless it is there; return whether this call wrote it.

        S3 answers 412 when the object is there, and 409 when somebody writes it right now, which
        tells nothing yet about who wins.
        """
        for attempt in (1, 2, 3, 4):
            try:
                self._put(name, body, IfNoneMatch="*")
            except ClientError as error:
                code = error_code(error)
                if code == "PreconditionFailed":
                    return False
                if code != "ConditionalRequestConflict" or attempt == 4:
                    raise
            else:
                return True
        raise AssertionError("unreachable")

    def _put(self, name: str, body: object, **condition: str) -> None:
        s3.put_object(
            Bucket=self.bucket,
            Key=f"scans/{self.scan}/{name}",
            Body=json.dumps(body, indent=1),
            ContentType="application/json",
            **condition,
        )

    def _read(self, key: str) -> Any:
        try:
            body = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "KeyTooLongError"):
                return None
            raise
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None
