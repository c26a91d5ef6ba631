"""Where the evidence of a scan goes."""

import json
from pathlib import Path
from typing import Any

from scan.job import Job


def keep(s3: Any, job: Job, report: dict[str, Any], scanner_log: Path) -> None:
    """Upload the scanner's log, then the report: where there is a report, there is a log."""
    prefix = f"scans/{job.scan}"
    _put(s3, job, f"{prefix}/scanner.log", scanner_log.read_bytes(), "text/plain; charset=utf-8")
    body = json.dumps(report, indent=2, ensure_ascii=False).encode()
    _put(s3, job, f"{prefix}/report.json", body, "application/json")


def _put(s3: Any, job: Job, key: str, body: bytes, kind: str) -> None:
    s3.put_object(Bucket=job.artifacts_bucket, Key=key, Body=body, ContentType=kind)
