"""Joins analyses: of several scanners, where a flaw that two found is one finding; or of parts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from domain.findings import SEVERITIES, Finding
from scan.finding import Analysis
from scan.union import union

Value = TypeVar("Value")


class Part(NamedTuple):
    """The analysis of one scanner, and its name for people."""

    name: str
    analysis: Analysis


@dataclass
class _Entry:
    """A finding as the first scanner reports it, and what others add."""

    finding: Finding
    weaknesses: frozenset[str]
    severity: str
    names: list[str]


def merged(parts: Sequence[Part]) -> Analysis:
    """Return one analysis without ``seen``, ``gate`` and ``scanners``, which its caller joins.

    Findings of two scanners are the same if they are in one line of a file, and their rules have an
    id or a CWE in common. Each matches one finding of another scanner at most. What was found
    first in the order of ``parts`` gives the identity, the worst one the severity.
    """
    entries: list[_Entry] = []
    at: dict[tuple[str, int], list[_Entry]] = {}
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.analysis.counts)
        for finding in part.analysis.findings:
            weaknesses = _ids(finding.rule, part.analysis.weaknesses)
            here = at.setdefault((finding.file, finding.line), []) if finding.line else []
            same = next(
                (
                    entry
                    for entry in here
                    if part.name not in entry.names and entry.weaknesses & weaknesses
                ),
                None,
            )
            if same is None:
                entry = _Entry(finding, weaknesses, finding.severity, [part.name])
                entries.append(entry)
                here.append(entry)
                continue
            worse = min(same.severity, finding.severity, key=SEVERITIES.index)
            counts.subtract([same.severity, finding.severity])
            counts.update([worse])
            same.severity = worse
            same.names.append(part.name)
    analyses = [part.analysis for part in parts]
    lines = [analysis.lines for analysis in analyses if analysis.lines is not None]
    return replace(
        analyses[0],
        engine=", ".join(part.name for part in parts),
        version=", ".join(analysis.version for analysis in analyses),
        lines=max(lines, default=None),
        counts={severity: counts[severity] for severity in SEVERITIES},
        findings=[
            replace(entry.finding, severity=entry.severity, scanners=tuple(entry.names))
            for entry in entries
        ],
        repeated=[
            replace(finding, scanners=(part.name,))
            for part in parts
            for finding in part.analysis.repeated
        ],
        contents=_together(analysis.contents for analysis in analyses),
        hotspots=any(analysis.hotspots for analysis in analyses),
        gate=None,
        ignored=list(
            dict.fromkeys(setting for analysis in analyses for setting in analysis.ignored)
        ),
        dashboard=next(filter(None, (analysis.dashboard for analysis in analyses)), None),
        weaknesses={},
    )


def of_parts(analyses: Sequence[Analysis]) -> Analysis:
    """The analysis of one scanner that ran on parts of the upload, which have no file in common."""
    if len(analyses) == 1:
        return analyses[0]
    lines = [analysis.lines for analysis in analyses]
    return replace(
        analyses[0],
        seen=union([analysis.seen for analysis in analyses], {}),
        lines=None if None in lines else sum(number or 0 for number in lines),
        counts={
            severity: sum(analysis.counts[severity] for analysis in analyses)
            for severity in SEVERITIES
        },
        findings=[finding for analysis in analyses for finding in analysis.findings],
        contents=_together(analysis.contents for analysis in analyses),
        weaknesses=_together(analysis.weaknesses for analysis in analyses),
    )


def _together(mappings: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    return {key: value for mapping in mappings for key, value in mapping.items()}


def _ids(rule: str, weaknesses: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return weaknesses.get(rule, frozenset()) | {rule}
