"""Stores the evidence of a scan."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from domain.evidence_paths import evidence_key
from domain.findings_document import NAME as FINDINGS
from domain.stored_objects import put_if_absent
from scan.as_json import encoded
from scan.job import Job

LOG, REPORT, JSON = "scanner.log", "report.json", "application/json"


def write(
    s3: Any,
    job: Job,
    report: dict[str, Any],
    scanner_log: Path,
    all_findings: dict[str, Any] | None = None,
) -> bool:
    """Upload the scanner's log and all findings, then the report, which names their SHA-256.

    Each is write-once; returns False if one was already stored with other content.
    """

    def put(name: str, content: bytes, content_type: str = JSON) -> bool:
        key = evidence_key(job.scan, name)
        return put_if_absent(s3, job.artifacts_bucket, key, content, content_type).body == content

    before = {LOG: (scanner_log.read_bytes(), "text/plain; charset=utf-8")}
    if all_findings is not None:
        before[FINDINGS] = (encoded(all_findings), JSON)
    with ThreadPoolExecutor() as pool:
        stored = list(pool.map(lambda item: put(item[0], *item[1]), before.items()))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, (content, _) in before.items()}
    return put(REPORT, encoded(report | {"evidence": hashes}, indent=2)) and all(stored)
