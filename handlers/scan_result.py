"""Reads what a scan resulted in, as far as its documents name each other's SHA-256."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from domain import findings_document, report
from domain.findings_document import AllFindings
from domain.json_values import as_dict
from domain.report import Report
from domain.stored_objects import StoredObject
from handlers.evidence import Evidence


class ScanResult(NamedTuple):
    """``gate_result`` is gate-result.json, ``sha256`` its SHA-256, ``key`` that of the upload.

    Report and findings are those that it was made of. Both are untrusted.
    """

    scan: str
    key: str
    gate_result: Mapping[str, Any]
    sha256: str
    report: Report
    findings: AllFindings

    @property
    def name(self) -> str:
        """The upload as cards name it."""
        return name_of(self.scan, self.key)


def version_of(scan: str) -> str:
    """Return the first characters of the id of a scan's version, as cards name it."""
    return scan.partition("/")[2][:8]


def name_of(scan: str, key: str) -> str:
    """Return for example ``api-1.4.zip, version 3LgVabcQ``; not sanitized."""
    return ", ".join(filter(None, (key.rpartition("/")[2], f"version {version_of(scan)}")))


def key_of(evidence: Evidence) -> str:
    """Return the key of the upload of a scan, empty if it is unknown."""
    return as_dict(evidence.read("scan.json")).get("key", "")


def read(evidence: Evidence) -> ScanResult | None:
    """Return the result of a scan whose gate was evaluated, None if it is incomplete or changed.

    If its build failed, its findings are not complete: hostile code in the scanner may have written
    those of the next version.

    The documents are read one after the other, so that several scans can be read in parallel.
    """
    stored = evidence.get("gate-result.json")
    gate_result = as_dict(stored and stored.document)
    if not stored or gate_result.get("status") not in ("passed", "failed"):
        return None
    left = evidence.get("report.json")
    if not left or as_dict(gate_result["evidence"]).get("report.json") != left.sha256:
        return None
    parsed_report = report.parse(left.document, evidence.scan)
    findings = findings_of(evidence.scan, left, evidence.get(findings_document.NAME))
    if parsed_report is None or findings is None:
        return None
    if gate_result.get("buildFailed"):
        findings = findings._replace(complete=False)
    return ScanResult(
        scan=evidence.scan,
        key=key_of(evidence),
        gate_result=gate_result,
        sha256=stored.sha256,
        report=parsed_report,
        findings=findings,
    )


def findings_of(
    scan: str, left: StoredObject | None, stored: StoredObject | None
) -> AllFindings | None:
    """Return what findings.json says; None if it is not the one that the report ``left`` names."""
    named = as_dict(as_dict(left and left.document).get("evidence")).get(findings_document.NAME)
    if stored is None or named != stored.sha256:
        return None
    return findings_document.parse(stored.document, scan)


def thread_of(gate_result: Mapping[str, Any]) -> str:
    """Return the thread of messages about the scan whose gate-result.json this is."""
    if gate_result["card"]:
        return gate_result["card"]["metadata"]["threadId"]
    return gate_result.get("thread") or gate_result["scan"]
