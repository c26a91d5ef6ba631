"""Compares a scan with the last one of its app that has a gate result."""

from collections.abc import Callable
from typing import NamedTuple

from domain import changes
from domain.changes import Changes
from domain.findings_document import AllFindings
from domain.json_values import as_dict
from domain.report import Report
from handlers import scan_result
from handlers.app_record import Last
from handlers.evidence import Evidence
from handlers.scan_result import ScanResult


class Comparison(NamedTuple):
    """What changed since another scan; ``changes`` is None if its findings cannot be compared."""

    since: ScanResult
    changes: Changes | None


def baseline(
    evidence_of: Callable[[str], Evidence], last: Last | None, own: Last | None
) -> ScanResult | None:
    """Return what to compare the scan ``own`` with, None if there is nothing.

    ``last`` is that of the app's record. Another attempt at a version is compared with what the
    attempt before was compared with, and nothing is compared with a later upload.
    """
    if last is None or own is None or last.order >= own.order:
        return None
    scan = last.scan
    if last.version_id == own.version_id:
        scan = as_dict(evidence_of(scan).read("gate-result.json")).get("since")
    return scan_result.read(evidence_of(scan)) if scan else None


def compare(
    since: ScanResult | None, report: Report, findings: AllFindings | None
) -> Comparison | None:
    """Return what changed since ``since``; None if there is nothing to compare with."""
    if since is None:
        return None
    if findings is None or not (findings.complete and since.findings.complete):
        return Comparison(since, None)
    scanners = since.report.completed, report.completed
    return Comparison(since, changes.compare(since.findings, findings, *scanners))
