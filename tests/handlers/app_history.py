"""An app whose versions are evaluated one after the other, with findings of our choice."""

import hashlib
import json
from collections import Counter
from typing import Any

from domain import decisions, timestamps
from domain.findings import SEVERITIES
from handlers import app_record, check_build_status
from tests.handlers.conftest import BUCKET, STATE, UPLOADS, s3

KEY = "payments/api.zip"


def finding(name: str, severity: str = "HIGH", **changes: Any) -> dict[str, Any]:
    """A finding of the rule ``name`` in ``<name>.py``; its identity is its name."""
    return {
        "rule": name.upper(),
        "severity": severity,
        "message": f"About {name}",
        "file": f"{name}.py",
        "line": 3,
        "link": None,
        "fingerprint": sha256(name.encode())[:32],
        **changes,
    }


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class AppHistory:
    """The app ``payments``; ``recorded`` reads recorded events."""

    def __init__(self, artifacts: Any, recorded: Any) -> None:
        self._artifacts, self._recorded = artifacts, recorded
        self.uploaded_at = timestamps.parse("2026-11-12T09:00:00Z")

    def upload(
        self,
        *findings: dict[str, Any],
        limit: int = 0,
        attempt: int = 1,
        version: str = "",
        unseen: tuple[dict[str, Any], ...] = (),
        uploader: str = "",
        conditions: tuple[dict[str, str], ...] = (),
    ) -> str:
        """Upload a version and leave the evidence of its scan; return the scan's id."""
        version = version or self._artifacts.upload(KEY)
        scan = f"payments/{version}" + (f".{attempt}" if attempt > 1 else "")
        opened = {
            **self._recorded("scan"),
            "scan": scan,
            "attempt": attempt,
            "bucket": UPLOADS,
            "key": KEY,
            "versionId": version,
            "uploadedAt": timestamps.iso(self.uploaded_at),
        }
        self.uploaded_at += timestamps.parse("2026-11-13T09:00:00Z") - timestamps.parse(
            "2026-11-12T09:00:00Z"
        )
        self.put(scan, "scan.json", opened)
        if uploader:
            self.put(scan, "uploader.json", {"version": 1, "principalId": uploader})
        counts = Counter(item["severity"] for item in findings)
        counted = {severity: counts[severity] for severity in SEVERITIES}
        document = {
            "version": 1,
            "scan": scan,
            "app": "payments",
            "findings": list(findings),
            "counts": counted,
            "omitted": 0,
            "contents": {},
            "unseen": list(unseen),
            "unseenOmitted": 0,
        }
        body = self.put(scan, "findings.json", document)
        self.put(
            scan,
            "report.json",
            self._report(scan, findings, counted, limit, unseen, conditions, body),
        )
        return scan

    def evaluate(self, scan: str, event: str = "failed", **changes: Any) -> Any:
        """Call the handler about a scan; ``event`` is a recorded one."""
        version = self.document(scan, "scan.json")["versionId"]
        return check_build_status.handler(
            {
                **self._recorded(event),
                "scan": scan,
                "app": "payments",
                "upload": {"bucket": UPLOADS, "key": KEY, "versionId": version},
                "covers": True,
                **changes,
            },
            None,
        )

    def approve(self, scan: str, expires_at: str = "2026-12-24T10:00:00Z", **changes: Any) -> None:
        """Leave an approval by people, and the record of it."""
        decision = decisions.decision(
            scan,
            sha256(self.body(scan, "gate-result.json")),
            timestamps.now(),
            decision="approved",
            reason="The fix comes in 1.5.",
            expires_at=timestamps.parse(expires_at),
        )
        self.put(scan, "decision.json", {**decision, **changes})
        app_record.add_exception(s3, STATE, "payments", scan)

    def click(self, scan: str, user: str, name: str) -> None:
        """Leave the record of who clicked Approve."""
        decision = self.document(scan, "decision.json")
        clicked = {
            "version": 1,
            "scan": scan,
            "user": user,
            "userName": name,
            "action": "approve",
            "reason": decision["reason"],
            "clickedAt": decision["decidedAt"],
        }
        self.put(scan, "actions/1.json", clicked)

    def put(self, scan: str, name: str, document: Any) -> bytes:
        body = json.dumps(document).encode()
        s3.put_object(Bucket=BUCKET, Key=f"scans/{scan}/{name}", Body=body)
        return body

    def body(self, scan: str, name: str) -> bytes:
        return s3.get_object(Bucket=BUCKET, Key=f"scans/{scan}/{name}")["Body"].read()

    def document(self, scan: str, name: str) -> Any:
        return json.loads(self.body(scan, name))

    def has(self, scan: str, name: str) -> bool:
        return f"scans/{scan}/{name}" in self._artifacts

    def _report(self, scan, findings, counted, limit, unseen, conditions, findings_body) -> Any:
        report = self._recorded("report-failed")
        unanalysed = sum(entry["files"] for entry in unseen)
        gate = [
            condition("HIGH", ">", str(limit), str(counted["HIGH"])),
            condition("unanalysed_files", ">", "0", str(unanalysed)),
            *conditions,
        ]
        failed = any(item["status"] != "ok" for item in gate)
        files = [
            {"language": "Python", "reason": "syntax error", "class": entry["class"],
             "file": entry["file"], "files": entry["files"]}
            for entry in unseen[:100]
        ]  # fmt: skip
        coverage = {**report["coverage"], "files": files, "otherLanguages": {}}
        coverage["counts"] = {
            "analysed": 12, "unanalysed": unanalysed, "opaque": 0, "otherLanguage": 0, "noCode": 0,
        }  # fmt: skip
        return {
            **report,
            "scan": scan,
            "findings": list(findings[:20]),
            "counts": counted,
            "coverage": coverage,
            "ignored": [],
            "gate": {
                "status": "failed" if failed else "passed",
                "judge": "limits",
                "conditions": gate,
            },
            "evidence": {"scanner.log": "0" * 64, "findings.json": sha256(findings_body)},
        }


def condition(metric: str, comparator: str, threshold: str, actual: str) -> dict[str, str]:
    """A condition of a gate, with the status that follows."""
    pair = float(actual), float(threshold)
    failed = pair[0] > pair[1] if comparator == ">" else pair[0] < pair[1]
    return {
        "metric": metric,
        "comparator": comparator,
        "threshold": threshold,
        "actual": actual,
        "status": "error" if failed else "ok",
    }
