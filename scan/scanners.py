"""Runs the scanners of a job side by side, and joins their results."""

import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from domain.findings import SEVERITIES, Gate
from scan import claimed as claims
from scan import exhausted, limits
from scan.errors import ScanError
from scan.finding import Analysis, ScannerResult, Seen
from scan.job import Job
from scan.language import Kind
from scan.log import Log
from scan.merge import Part, merged
from scan.sarif.recipes import recipes
from scan.union import MADE_UP_FOR, union

SONARQUBE = "sonarqube"
LIMITS = "limits"


class Ended(NamedTuple):
    """How one scanner ended: with an analysis, or with an error."""

    name: str
    result: Analysis | ScanError


def analyse(job: Job, source: Path, log: Log, kinds: Mapping[str, Kind]) -> Analysis:
    """Analyse the upload in ``source``, whose files are of ``kinds``, with all scanners of ``job``.

    Reports that the upload brings are joined as further scanners.

    Raises:
        ScanError: the only scanner failed, or all of them; then the first one's error.
    """
    claimed = [Ended(*item) for item in claims.reports(source, log)]
    if len(job.scanners) == 1 and not claimed:
        analysis = _analyse(job.scanners[0], job, source, log)
        name = display_name(job.scanners[0])
        return replace(analysis, scanners=[_result(name, analysis)])

    def ended(scanner: str) -> Ended:
        name = display_name(scanner)
        try:
            return Ended(name, _analyse(scanner, job, source, log.named(name)))
        except Exception as error:
            return Ended(name, as_scan_error(error, log.named(name)))

    # Each waits for its own processes.
    with ThreadPoolExecutor(len(job.scanners)) as pool:
        all_ended = list(pool.map(ended, job.scanners))
    errors = [item.result for item in all_ended if isinstance(item.result, ScanError)]
    if len(errors) == len(all_ended):
        raise errors[0]
    return _joined(job, all_ended, kinds, claimed)


def display_name(scanner: str) -> str:
    """The name for people of a scanner in the setting ``scanners``."""
    if scanner == SONARQUBE:
        return "SonarQube"
    recipe = recipes().get(scanner)
    return recipe.name if recipe else scanner


def as_scan_error(error: Exception, log: Log) -> ScanError:
    """The error for the report; the log gets the traceback of one that nobody expected."""
    if isinstance(error, ScanError):
        return error
    for line in traceback.format_exception(error):
        for part in line.splitlines():
            log.write(part)
    return exhausted.by_error(error) or ScanError(
        "Unexpected",
        log.safe(f"The scan stopped unexpectedly: {type(error).__name__}: {error}"),
        "Read the build's log; upload the zip again if it looks like a passing error.",
    )


def _analyse(scanner: str, job: Job, source: Path, log: Log) -> Analysis:
    work = source.parent / f"work-{scanner}"
    if scanner == SONARQUBE:
        from scan.sonarqube import engine as sonarqube

        return sonarqube.analyse(job, source, work, log)
    from scan.sarif import engine

    return engine.analyse(scanner, job, source, work, log)


def _result(name: str, result: Analysis | ScanError) -> ScannerResult:
    if isinstance(result, ScanError):
        return ScannerResult(name=name, error=result)
    return ScannerResult(name=name, version=result.version, counts=result.counts)


def _joined(
    job: Job, all_ended: Sequence[Ended], kinds: Mapping[str, Kind], claimed: Sequence[Ended]
) -> Analysis:
    """The analysis of all; what a scanner that failed would have read is unanalysed.

    Of what is ``claimed`` only findings count. It comes last, so that it changes nothing about how
    the findings of the scanners are joined.
    """
    readers: list[Seen] = []
    others: list[Seen] = []
    has_code_scanner = any(_purpose(scanner) == "code" for scanner in job.scanners)
    for scanner, item in zip(job.scanners, all_ended, strict=True):
        purpose, recipe = _purpose(scanner), recipes().get(scanner)
        languages = recipe.languages if recipe else None
        if isinstance(item.result, ScanError):
            seen = Seen(analysed=frozenset(), languages=languages or frozenset())
        else:
            seen = _named(item.result.seen, item.name)
            if purpose == "infrastructure" and has_code_scanner:
                seen = replace(seen, languages=languages)
        is_reader = purpose in {"code", "infrastructure"} or not has_code_scanner
        (readers if is_reader else others).append(seen)
    everything = [*all_ended, *claimed]
    parts = [Part(name, result) for name, result in everything if isinstance(result, Analysis)]
    return replace(
        merged(parts),
        seen=union(readers, kinds, others),
        gate=_gate(parts, job.limits),
        scanners=[_result(*item) for item in everything],
    )


def _gate(parts: Sequence[Part], most: Mapping[str, int | None]) -> Gate | None:
    """The gates that scanners have of their own, and the limits on what the others found.

    None if no scanner has a gate: then the limits are on all findings.
    """
    own = [part.analysis.gate for part in parts if part.analysis.gate]
    if not own:
        return None
    # One that the limits decided has evaluated all findings by them: they are counted again below.
    conditions = [
        condition
        for gate in own
        for condition in gate.conditions
        if gate.judge != LIMITS or condition.metric not in SEVERITIES
    ]
    limited = [
        part for part in parts if not part.analysis.gate or part.analysis.gate.judge == LIMITS
    ]
    if limited:
        conditions += limits.judge(merged(limited).counts, most).conditions
    is_failed = any(condition.failed for condition in conditions) or any(
        gate.status == "failed" and gate.judge != LIMITS for gate in own
    )
    return Gate(
        status="failed" if is_failed else "passed", judge=own[0].judge, conditions=conditions
    )


def _purpose(scanner: str) -> str:
    recipe = recipes().get(scanner)
    return recipe.purpose if recipe else "code"


def _named(seen: Seen, name: str) -> Seen:
    """With the scanner's name in its problems, unless another scanner can make up for them."""
    return replace(
        seen,
        unread={
            file: why if why in MADE_UP_FOR else f"{name}: {why}"
            for file, why in seen.unread.items()
        },
        incomplete=[f"{name}: {why}" for why in seen.incomplete],
    )
