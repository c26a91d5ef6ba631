"""Runs one scan: ``python -m scan``, configured by environment variables (see ``job``)."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3

from domain.findings import FAILED_SCANNERS, Condition, Gate
from domain.findings_document import UnseenFile
from domain.timestamps import iso, now
from scan import all_findings, evidence, exhausted, limits, scanners, trust
from scan.errors import ScanError
from scan.fetch import Fetched, claimed, download, open_version
from scan.finding import Analysis, ScannerResult
from scan.job import Job, from_environment
from scan.ledger import Coverage, Ledger
from scan.log import Log
from scan.report import report
from scan.scanners import analyse
from scan.unpacking import unpack
from scan.unseen_files import Hashes, unseen_files

# The longest possible path has some 1,750 folders of one letter. Before Python 3.13 the standard
# library walks folders recursively, with one or two stack frames for each level.
DEEPEST = 5000


def main() -> int:
    """Scan and store a report; 0 if there is a gate result, passed or failed, and 1 if not."""
    sys.setrecursionlimit(DEEPEST)
    try:
        job = from_environment()
    except ScanError as scan_error:
        # Without a job it is unknown where to store a report.
        print(f"{scan_error.message} {scan_error.remediation}")
        return 1
    # CodeBuild guarantees disk space only below the source folder (its guide, "Build environment
    # compute types"). That folder has only our own code, so a scanner finds no settings there.
    folder = tempfile.mkdtemp(prefix="scan-", dir=os.environ.get("CODEBUILD_SRC_DIR") or None)
    try:
        # A proxy that inspects TLS signs with an authority of its own.
        trusted = trust.bundle(job.private_ca, Path(folder))
        return scan(job, boto3.client("s3", verify=trusted and str(trusted)), Path(folder))
    finally:
        _remove([Path(folder)])


def scan(job: Job, s3: Any, folder: Path) -> int:
    """Scan in the working folder ``folder`` and store the report; returns the exit code."""
    scanner_log = folder / "scanner.log"
    with Log(scanner_log, secrets=[job.sonar.token]) as log:
        result, findings = _scanned(job, s3, folder, log)
    if not evidence.write(s3, job, result, scanner_log, findings):
        print("Somebody else has left evidence of this scan; a build that fails is not believed.")
        return 1
    return 1 if result["error"] else 0


def _remove(paths: Sequence[Path]) -> None:
    """Remove files and folders of any depth; errors are ignored.

    Before Python 3.14 ``shutil`` cannot remove what lies 1,000 folders deep.
    """
    with contextlib.suppress(OSError):
        # An empty environment: ours holds the token, which no other process needs.
        subprocess.run(["rm", "-rf", *paths], check=False, stderr=subprocess.DEVNULL, env={})


def _scanned(
    job: Job, s3: Any, folder: Path, log: Log
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The report of the scan, even if it fails with an unexpected error, and all its findings.

    Without a gate result it has no findings.
    """
    started_at, fetched, analysis, coverage = iso(now()), Fetched(), None, None
    unseen: list[UnseenFile] = []
    archive, source = folder / "upload.zip", folder / "source"
    outcome: Gate | ScanError
    try:
        source.mkdir()
        response = open_version(s3, job.upload)
        fetched = claimed(response)
        fetched = download(s3, job.upload, response, fetched, archive, job.upload_limits.bytes)
        entries = unpack(archive, source, job.upload_limits)
        archive.unlink()
        files = "1 file" if len(entries) == 1 else f"{len(entries):,} files"
        log.write(f"Fetched {job.upload.key}, {files}")
        ledger = Ledger(entries, source)
        analysis = analyse(job, source, log, ledger.kinds)
        coverage = ledger.account(analysis.seen)
        for entry in coverage.listed:
            log.write(f"{entry.kind}: {entry.file or 'a file without name'}: {entry.reason}")
        outcome = judge(job, analysis, coverage)
        hashes = Hashes(source, entries)
        unseen = unseen_files(coverage, job.coverage_limits, hashes)
    except Exception as error:
        outcome = scanners.as_scan_error(error, log)
    if log.full:
        # The stored log is incomplete, so the gate must not pass.
        outcome = exhausted.by_error(log.full) or outcome
    if isinstance(outcome, ScanError) and outcome.code == "DiskFull":
        # Make room for the log's last line.
        _remove([path for path in folder.iterdir() if path != log.path])
    log.write(sentence(outcome))
    result = report(
        job,
        started_at=started_at,
        fetched=fetched,
        analysis=analysis,
        coverage=coverage,
        outcome=outcome,
    )
    if analysis is None or isinstance(outcome, ScanError):
        return result, None
    return result, all_findings.document(job, analysis, unseen)


def judge(job: Job, analysis: Analysis, coverage: Coverage) -> Gate:
    """The gate of the scanners, with conditions on unanalysed files and on scanners that failed.

    Raises:
        ScanError: no file was analysed, or there is no condition.
    """
    more = [
        *coverage.conditions(asdict(job.coverage_limits)),
        *_failed_scanners(analysis.scanners),
    ]
    is_failed = any(item.failed for item in more)
    if not coverage.counts["analysed"] and not is_failed:
        raise ScanError(
            "NothingAnalysed",
            f"{analysis.engine} found no file in the zip that it can analyse.",
            "Check that the zip holds source code, in a language that the scanner knows.",
        )
    gate = analysis.gate or limits.judge(analysis.counts, job.limits)
    if not gate.conditions:
        raise ScanError(
            "NothingEvaluated",
            f"{analysis.engine} was run, but nothing says what passes.",
            "Set a limit (maxBlocker, maxHigh, ...), or give the gate conditions on overall code.",
        )
    return Gate(
        status="failed" if is_failed else gate.status,
        judge=gate.judge,
        conditions=[*gate.conditions, *more],
    )


def _failed_scanners(results: Sequence[ScannerResult]) -> list[Condition]:
    """The condition that no scanner failed; none if that is so."""
    failed = sum(result.error is not None for result in results)
    if not failed:
        return []
    return [
        Condition(
            metric=FAILED_SCANNERS,
            comparator=">",
            threshold="0",
            actual=str(failed),
            status="error",
        )
    ]


def sentence(outcome: Gate | ScanError) -> str:
    """The outcome as a line of the log."""
    if isinstance(outcome, ScanError):
        return f"Error: {outcome.message} {outcome.remediation}"
    failed = [
        f"{condition.metric} {condition.actual} {condition.comparator} {condition.threshold}"
        for condition in outcome.conditions
        if condition.status == "error"
    ]
    return f"Gate {outcome.status}, evaluated by {outcome.judge}" + "".join(
        f"; {metric}" for metric in failed
    )


if __name__ == "__main__":
    sys.exit(main())
