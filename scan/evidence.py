"""Where the evidence of a scan goes."""

import hashlib
import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scan.job import Job


def keep(s3: Any, job: Job, report: dict[str, Any], scanner_log: Path) -> bool:
    """Upload the scanner's log, then the report, which names the log's SHA-256.

    Each is written once (``If-None-Match``: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
    conditional-writes.html); returns whether both were ours to write.
    """
    prefix = f"scans/{job.scan}"
    log = scanner_log.read_bytes()
    whole = report | {"evidence": {"scanner.log": hashlib.sha256(log).hexdigest()}}
    # Code may hold half a surrogate pair, and tools quote code.
    body = json.dumps(whole, indent=2, ensure_ascii=False).encode(errors="replace")
    kept_log = _put(s3, job, f"{prefix}/scanner.log", log, "text/plain; charset=utf-8")
    return _put(s3, job, f"{prefix}/report.json", body, "application/json") and kept_log


def _put(s3: Any, job: Job, key: str, body: bytes, kind: str) -> bool:
    """Write ``key`` unless it is there; returns whether what stands is ``body``."""
    try:
        s3.put_object(
            Bucket=job.artifacts_bucket, Key=key, Body=body, ContentType=kind, IfNoneMatch="*"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
        # Where an answer is lost, boto3 asks again, and finds what it wrote itself.
        return s3.get_object(Bucket=job.artifacts_bucket, Key=key)["Body"].read() == body
    return True
