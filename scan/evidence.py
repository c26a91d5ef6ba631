"""Stores the evidence of a scan."""

import hashlib
import json
from pathlib import Path
from typing import Any

from domain.evidence_paths import evidence_key
from domain.stored_objects import put_if_absent
from scan.job import Job


def write(s3: Any, job: Job, report: dict[str, Any], scanner_log: Path) -> bool:
    """Upload the scanner's log, then the report, which names the log's SHA-256.

    Both are write-once; returns False if one was already stored with other content.
    """
    log = scanner_log.read_bytes()
    whole = report | {"evidence": {"scanner.log": hashlib.sha256(log).hexdigest()}}
    # Tools quote code, which may contain lone surrogates; UTF-8 cannot encode these.
    body = json.dumps(whole, indent=2, ensure_ascii=False).encode(errors="replace")
    documents = {
        "scanner.log": (log, "text/plain; charset=utf-8"),
        "report.json": (body, "application/json"),
    }
    stored = {
        name: put_if_absent(
            s3, job.artifacts_bucket, evidence_key(job.scan, name), content, content_type
        )
        for name, (content, content_type) in documents.items()
    }
    return all(stored[name].body == content for name, (content, _) in documents.items())
