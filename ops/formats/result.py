"""The result of a scan, as each format needs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from domain import findings_document, origin, report, timestamps
from domain.changes import Changes
from domain.coverage import Unseen
from domain.findings import SEVERITIES, Finding
from domain.json_values import as_dict
from domain.origin import Origin
from domain.report import Report
from domain.sanitize import line

LONGEST_MESSAGE, LONGEST_NAME, LONGEST_LINE = 500, 200, 2**31 - 1
# The characters of a URI (RFC 3986) without those that end a link in Markdown.
LINK = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9._~:/?#\[\]@!$&'*+,;=%-]*")


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    """A scan that has ended: its status, and its documents, which are untrusted.

    ``status`` is that of the tag ``scan-status``; ``sentence`` says it to people. ``report`` is
    report.json, None if there is none. ``findings`` is findings.json as ``ops.documents`` accepts
    it, None if there is none, as for a scan of version 2.0. ``changes`` is what changed since the
    scan ``baseline``, None if it cannot be compared with one.
    """

    scan: str
    status: str
    sentence: str
    report: Mapping[str, Any] | None
    findings: Mapping[str, Any] | None
    changes: Changes | None = None
    baseline: str = ""

    @property
    def app(self) -> str:
        """Whose code it is."""
        return self.scan.partition("/")[0]

    @property
    def is_cleared(self) -> bool:
        """Whether the version may be deployed."""
        return self.status in ("passed", "approved")

    @cached_property
    def parsed(self) -> Report | None:
        """The report, None if it is missing or invalid."""
        return report.parse(self.report, self.scan)

    @property
    def evaluated(self) -> Report | None:
        """The report of a scan that has a gate result."""
        return self.parsed if self.parsed and not self.parsed.error else None

    @cached_property
    def listed(self) -> tuple[Finding, ...]:
        """The findings, the worst first; without findings.json those that the report names."""
        if not self.evaluated:
            return ()
        if self.findings is not None:
            findings = findings_document.read(self.findings).findings
        else:
            findings = self.evaluated.findings
        return tuple(_printable(item) for item in findings if item.severity in SEVERITIES)

    @cached_property
    def _new(self) -> frozenset[tuple[str, str]]:
        changed = self.changes.new if self.changes else ()
        return frozenset((finding.file, finding.fingerprint) for finding in changed)

    def is_new(self, finding: Finding) -> bool:
        """Whether a finding of ``listed`` was not there in ``baseline``; false without one."""
        return (finding.file, finding.fingerprint) in self._new

    @property
    def new_first(self) -> list[Finding]:
        """The findings, new ones before known ones, each the worst first."""
        return sorted(self.listed, key=lambda finding: not self.is_new(finding))

    @property
    def omitted(self) -> int:
        """How many findings are counted but not listed."""
        counted = sum(self.evaluated.counts.values()) if self.evaluated else 0
        return max(0, counted - len(self.listed))

    @property
    def unanalysed(self) -> list[Unseen]:
        """The files of code that the report names as not analysed."""
        coverage = self.evaluated and self.evaluated.coverage
        return coverage.named("unanalysed") if coverage else []

    @property
    def why(self) -> str:
        """Why the scan has no results, and what to do, else the sentence about its status."""
        error = self.parsed and self.parsed.error
        return f"{error.message} {error.remediation}" if error else self.sentence

    def time(self, field: str) -> str:
        """The time ``field`` of the report in UTC (RFC 3339), empty if it has none."""
        try:
            return timestamps.iso(timestamps.parse((self.report or {})[field]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return ""

    @property
    def upload(self) -> Mapping[str, Any]:
        """What the report says of the upload."""
        return as_dict(as_dict(self.report).get("upload"))

    @property
    def origin(self) -> Origin:
        """What the upload claims of its origin."""
        return origin.of_document(self.upload.get("origin"))


def relative(file: str) -> bool:
    """Whether ``file`` names a file below the upload's root, and not what a tool says instead."""
    return bool(file) and not file.startswith("/") and ".." not in file.split("/")


def _printable(finding: Finding) -> Finding:
    """The finding with texts of one line; ``file`` stays as it is, since it names a file."""
    rule = line(finding.rule, LONGEST_NAME) or "unknown"
    link = finding.link if isinstance(finding.link, str) else ""
    return replace(
        finding,
        rule=rule,
        scanners=tuple(line(name, LONGEST_NAME) for name in finding.scanners),
        message=line(finding.message, LONGEST_MESSAGE) or rule,
        line=None if finding.line is None else min(max(finding.line, 1), LONGEST_LINE),
        link=link if LINK.fullmatch(link) else None,
    )
