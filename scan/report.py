"""The report of a scan, as ``domain/schemas/report.schema.json`` defines it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain import origin
from domain.findings import SEVERITIES, Gate
from domain.timestamps import iso, now
from scan.errors import ScanError
from scan.fetch import Fetched
from scan.finding import (
    LONGEST_FILE,
    LONGEST_MESSAGE,
    Analysis,
    ScannerResult,
    as_document,
    worst_first,
)
from scan.job import Job
from scan.ledger import Coverage

TOP = 20
LONGEST_VALUE = 200
MOST_IGNORED, MOST_LANGUAGES = 100, 50


def report(
    job: Job,
    *,
    started_at: str,
    fetched: Fetched,
    analysis: Analysis | None,
    coverage: Coverage | None,
    outcome: Gate | ScanError,
) -> dict[str, Any]:
    """The report's JSON; ``analysis`` and ``coverage`` are None if the scan failed before them."""
    scan_error = isinstance(outcome, ScanError)
    return {
        "version": 1,
        "scan": job.scan,
        "app": job.app,
        "upload": {
            "bucket": job.upload.bucket,
            "key": job.upload.key,
            "versionId": job.upload.version_id,
            "size": fetched.size,
            "sha256": fetched.sha256,
            "uploader": fetched.uploader,
            **({"origin": origin.document(fetched.origin)} if any(fetched.origin) else {}),
        },
        "engine": {"name": analysis.engine, "version": analysis.version} if analysis else None,
        "scanners": [_scanner(result) for result in analysis.scanners] if analysis else [],
        "startedAt": started_at,
        "finishedAt": iso(now()),
        "coverage": _coverage(coverage, analysis.lines) if analysis and coverage else None,
        "gate": None if scan_error else asdict(outcome),
        "counts": dict(analysis.counts if analysis else dict.fromkeys(SEVERITIES, 0)),
        "findings": _findings(analysis),
        "ignored": _ignored(analysis),
        "links": {"dashboard": analysis.dashboard if analysis else None},
        "error": _error(outcome) if scan_error else None,
    }


def _scanner(result: ScannerResult) -> dict[str, Any]:
    return {
        "name": result.name[:LONGEST_VALUE],
        "version": result.version[:LONGEST_VALUE],
        "counts": dict(result.counts) if result.counts is not None else None,
        "error": _words(result.error) if result.error else None,
    }


def _findings(analysis: Analysis | None) -> list[Mapping[str, Any]]:
    worst = worst_first(analysis.findings)[:TOP] if analysis else []
    return [as_document(finding) for finding in worst]


def _coverage(coverage: Coverage, lines: int | None) -> dict[str, Any]:
    """The coverage, with the first files of each class; ``counts`` counts all."""
    return {
        "counts": dict(coverage.counts),
        "lines": lines,
        "reported": coverage.reported,
        "otherLanguages": dict(list(coverage.languages.items())[:MOST_LANGUAGES]),
        "files": [
            {
                "class": entry.kind,
                "file": entry.file[:LONGEST_FILE],
                "language": entry.language[:LONGEST_VALUE],
                "reason": entry.reason[:LONGEST_VALUE],
                "files": entry.files,
            }
            for entry in coverage.listed
        ],
    }


def _ignored(analysis: Analysis | None) -> list[Mapping[str, Any]]:
    settings = analysis.ignored[:MOST_IGNORED] if analysis else []
    return [
        asdict(setting)
        | {"key": setting.key[:LONGEST_VALUE], "value": setting.value[:LONGEST_VALUE]}
        for setting in settings
    ]


def _error(scan_error: ScanError) -> dict[str, str | bool]:
    return {**_words(scan_error), "retryable": scan_error.retryable}


def _words(scan_error: ScanError) -> dict[str, str]:
    return {
        "code": scan_error.code,
        "message": scan_error.message[:LONGEST_MESSAGE],
        "remediation": scan_error.remediation[:LONGEST_MESSAGE],
    }
