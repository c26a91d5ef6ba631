"""The result of an engine, in one form for all engines: findings and what was analysed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.findings import SEVERITIES, Finding, Gate, IgnoredSetting
from scan.errors import ScanError

LONGEST_MESSAGE, LONGEST_FILE, LONGEST_RULE, LONGEST_LINK = 500, 500, 200, 2000


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an engine reports as analysed; all paths are relative to the upload's root.

    ``analysed`` is None if the engine does not say. Then a file counts as analysed if it is in one
    of ``languages``, its name matches one of the globs ``names``, and it is not in ``unread``.
    ``languages`` are tags of ``scan.language``, or None if unknown: then the engine is assumed to
    read all text. ``unread`` maps files to the reason why they were not analysed, ``incomplete``
    has errors that name no file, and ``excluded`` maps files that the team left out to the setting
    that says so. ``reported`` is whether all of ``analysed`` is what an engine itself reports.
    """

    analysed: frozenset[str] | None
    languages: frozenset[str] | None
    names: Sequence[str] = ("*",)
    unread: Mapping[str, str] = field(default_factory=dict)
    incomplete: Sequence[str] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    reported: bool = True


@dataclass(frozen=True, kw_only=True)
class ScannerResult:
    """How one scanner ended: with ``counts`` of its findings, or with an ``error``."""

    name: str
    version: str = ""
    counts: Mapping[str, int] | None = None
    error: ScanError | None = None


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What a scanner found, and in ``seen`` what it reports as analysed; or what several did.

    ``lines`` is None if the engine does not report it; ``gate`` is None if the engine evaluated
    nothing. ``findings`` may have only the worst. ``repeated`` has those of them again that the
    engine counts under further severities. ``counts`` counts all, and these as well. ``contents``
    has the SHA-256 of files with findings. ``hotspots`` is whether all of SonarQube's security
    hotspots are among the findings. ``weaknesses`` has for each rule the ids by which other tools
    know what it finds, as of CWE. ``scanners`` has the results of those that were run.
    """

    engine: str
    version: str
    seen: Seen
    lines: int | None
    counts: Mapping[str, int]
    findings: Sequence[Finding]
    repeated: Sequence[Finding] = ()
    contents: Mapping[str, str] = field(default_factory=dict)
    hotspots: bool = False
    gate: Gate | None = None
    ignored: Sequence[IgnoredSetting] = ()
    dashboard: str | None = None
    weaknesses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scanners: Sequence[ScannerResult] = ()


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Sorted by severity, then by location."""
    return sorted(
        findings,
        key=lambda finding: (SEVERITIES.index(finding.severity), finding.file, finding.line or 0),
    )


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings each severity has."""
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in SEVERITIES}


def as_document(finding: Finding) -> dict[str, Any]:
    """The finding in report.json and findings.json, within their limits."""
    # Not by dataclasses.asdict, which copies each value: there can be 10,000 of them.
    link = finding.link
    return {
        "rule": finding.rule[:LONGEST_RULE],
        "severity": finding.severity,
        "message": finding.message[:LONGEST_MESSAGE],
        "file": finding.file[:LONGEST_FILE],
        "line": finding.line,
        "link": link if link and len(link) <= LONGEST_LINK else None,
        "fingerprint": finding.fingerprint,
        # Where one scanner was run, it found them all.
        **({"scanners": finding.scanners} if finding.scanners else {}),
    }
