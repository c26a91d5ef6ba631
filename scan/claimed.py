"""Reports that an upload brings: findings of tools that ran elsewhere, as the uploader claims.

They only add findings. Nobody here saw the tools run, so no file counts as analysed by them.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from domain.claimed_reports import FOLDER, MOST_BYTES, MOST_REPORTS
from domain.findings import Finding
from scan.errors import ScanError
from scan.finding import Analysis
from scan.log import Log
from scan.sarif.reading import read

REMEDIATION = "Correct the report, or upload the code without it."
LONGEST_NAME = 60


def reports(source: Path, log: Log) -> list[tuple[str, Analysis | ScanError]]:
    """The reports in the upload ``source``, with names for people; an error is its scanner's."""
    paths = sorted((source / FOLDER).glob("*.sarif"))
    if len(paths) > MOST_REPORTS:
        why = f"The upload has {len(paths)} reports of its own; {MOST_REPORTS} are read at most."
        return [("Reports (claimed by the uploader)", ScanError("InvalidSarif", why, REMEDIATION))]
    return [_report(path, source, log) for path in paths]


def _report(path: Path, source: Path, log: Log) -> tuple[str, Analysis | ScanError]:
    log.write(f"Reading the report {path.relative_to(source)}, as the uploader claims")
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            what = f"It is no file of at most {MOST_BYTES // 1024**2} MiB."
            raise ScanError("InvalidSarif", what, REMEDIATION)
        analysis = read(path, source=source, folder=source)
    except ScanError as error:
        return _name(path.stem), error
    return _name(analysis.engine), replace(
        analysis, findings=[_own(finding) for finding in analysis.findings]
    )


def _own(finding: Finding) -> Finding:
    """With an identity of its own: an approval of it covers no finding of a scanner later."""
    fingerprint = hashlib.sha256(f"claimed {finding.fingerprint}".encode()).hexdigest()
    return replace(finding, fingerprint=fingerprint[: len(finding.fingerprint)])


def _name(text: str) -> str:
    """No report can have the name of a scanner that was run."""
    return f"{text[:LONGEST_NAME]} (claimed by the uploader)"
