"""Small reports in the form that ``scan/`` writes (``domain/schemas/report.schema.json``)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.simulation.aws import findings

FINDING = {
    "rule": "python:S6437",
    "severity": "HIGH",
    "message": "Revoke and change this password, as it is compromised.",
    "file": "src/store.py",
    "line": 14,
    "link": None,
}
ERROR = {
    "code": "Unreachable",
    "message": "The SonarQube server could not be reached.",
    "remediation": "Scan again once the server can be reached.",
    "retryable": True,
}


def report(
    gate: str,
    variables: Mapping[str, str],
    began: datetime,
    ended: datetime,
    evidence: Mapping[str, str],
) -> bytes:
    """Return the report.json of a scan that ``passed``, ``failed`` or ended in ``error``.

    ``variables`` are the build's environment; ``evidence`` has the SHA-256 of what it wrote before.
    """
    failed = gate == "failed"
    document = {
        "version": 1,
        "scan": variables["SCAN"],
        "app": variables["APP"],
        "upload": {
            "bucket": variables["UPLOAD_BUCKET"],
            "key": variables["UPLOAD_KEY"],
            "versionId": variables["UPLOAD_VERSION"],
            "size": 3,
            "sha256": hashlib.sha256(b"zip").hexdigest(),
        },
        "engine": None if gate == "error" else {"name": "SonarQube", "version": "25.9.0"},
        "startedAt": f"{began:%Y-%m-%dT%H:%M:%SZ}",
        "finishedAt": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
        "coverage": None if gate == "error" else _coverage(),
        "gate": None if gate == "error" else _gate(failed),
        "counts": {"BLOCKER": 0, "HIGH": int(failed), "MEDIUM": 0, "LOW": 0, "INFO": 0},
        "findings": [FINDING] if failed else [],
        "ignored": [],
        "links": {"dashboard": None},
        "error": ERROR if gate == "error" else None,
        "evidence": dict(evidence),
    }
    return json.dumps(document).encode()


def with_findings(report: bytes, plan: Any) -> bytes:
    """Return a report with the findings of ``plan`` (builds.Scan), and the gate they lead to."""
    document, words = json.loads(report), plan.findings
    document |= {
        "coverage": findings.coverage(words),
        "gate": findings.gate(words, plan.limit, plan.covered, plan.rating),
        "counts": findings.counts(words),
        "findings": findings.listed(words),
    }
    return json.dumps(document).encode()


def _coverage() -> dict[str, Any]:
    counts = {"analysed": 12, "unanalysed": 0, "opaque": 0, "otherLanguage": 0, "noCode": 3}
    return {"counts": counts, "lines": 900, "reported": True, "otherLanguages": {}, "files": []}


def _gate(failed: bool) -> dict[str, Any]:
    condition = {
        "metric": "HIGH",
        "comparator": ">",
        "threshold": "0",
        "actual": str(int(failed)),
        "status": "error" if failed else "ok",
    }
    status = "failed" if failed else "passed"
    return {"status": status, "judge": "limits", "conditions": [condition]}
