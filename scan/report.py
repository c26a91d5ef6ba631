"""The report: what a scan found, in the shape of ``domain/schemas/report.schema.json``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain.findings import SEVERITIES, Gate
from domain.timestamps import iso, now
from scan.broken import Broken
from scan.fetch import Fetched
from scan.finding import Analysis, worst_first
from scan.job import Job
from scan.ledger import Coverage

TOP = 20
LONGEST_MESSAGE, LONGEST_VALUE, LONGEST_FILE = 500, 200, 500
MOST_IGNORED, MOST_LANGUAGES = 100, 50


def report(
    job: Job,
    *,
    started_at: str,
    fetched: Fetched,
    analysis: Analysis | None,
    coverage: Coverage | None,
    outcome: Gate | Broken,
) -> dict[str, Any]:
    """The report's JSON; ``analysis`` is None where the scan broke before there was one."""
    broken = isinstance(outcome, Broken)
    return {
        "version": 1,
        "scan": job.scan,
        "app": job.app,
        "upload": {
            "bucket": job.upload.bucket,
            "key": job.upload.key,
            "versionId": job.upload.version_id,
            **asdict(fetched),
        },
        "engine": {"name": analysis.engine, "version": analysis.version} if analysis else None,
        "startedAt": started_at,
        "finishedAt": iso(now()),
        "coverage": _coverage(coverage, analysis.lines) if analysis and coverage else None,
        "gate": None if broken else asdict(outcome),
        "counts": dict(analysis.counts if analysis else dict.fromkeys(SEVERITIES, 0)),
        "findings": _findings(analysis),
        "ignored": _ignored(analysis),
        "links": {"dashboard": analysis.dashboard if analysis else None},
        "error": _error(outcome) if broken else None,
    }


def _findings(analysis: Analysis | None) -> list[Mapping[str, Any]]:
    worst = worst_first(analysis.findings)[:TOP] if analysis else []
    return [
        asdict(each) | {"message": each.message[:LONGEST_MESSAGE], "file": each.file[:LONGEST_FILE]}
        for each in worst
    ]


def _coverage(coverage: Coverage, lines: int | None) -> dict[str, Any]:
    """The first of each class; ``counts`` counts all."""
    return {
        "counts": dict(coverage.counts),
        "lines": lines,
        "reported": coverage.reported,
        "otherLanguages": dict(list(coverage.languages.items())[:MOST_LANGUAGES]),
        "files": [
            {
                "class": each.kind,
                "file": each.file[:LONGEST_FILE],
                "language": each.language[:LONGEST_VALUE],
                "reason": each.reason[:LONGEST_VALUE],
                "files": each.files,
            }
            for each in coverage.shown
        ],
    }


def _ignored(analysis: Analysis | None) -> list[Mapping[str, Any]]:
    settings = analysis.ignored[:MOST_IGNORED] if analysis else []
    return [
        asdict(each) | {"key": each.key[:LONGEST_VALUE], "value": each.value[:LONGEST_VALUE]}
        for each in settings
    ]


def _error(broken: Broken) -> dict[str, str | bool]:
    return {
        "code": broken.code,
        "message": broken.message[:LONGEST_MESSAGE],
        "remediation": broken.remediation[:LONGEST_MESSAGE],
        "retryable": broken.retryable,
    }
