"""What changed since the scan that a gate result was compared with."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from domain import changes, findings_document, report, timestamps
from domain.changes import Changes
from domain.findings import Finding
from domain.findings_document import AllFindings
from ops.evidence import Evidence
from ops.scan_documents import Scan


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """``since`` is the earlier scan, of the upload ``key``, which was evaluated at ``evaluated``.

    ``exception`` says by whom known findings were approved, why, and until when; it is empty where
    no exception is valid now.
    """

    since: str
    key: str
    evaluated: str
    changes: Changes
    exception: str = ""

    @property
    def summary(self) -> str:
        """For example ``Since payments/3Lg8 (api.zip, 12 Nov 2026): 2 new, 9 known, 1 fixed``."""
        day, changed = timestamps.day(self.evaluated), self.changes
        file = self.key.rpartition("/")[2]
        counted = _counted(changed.new, changed.known, changed.fixed)
        files = (changed.new_files, changed.known_files, changed.fixed_files)
        unseen = f"; files that were not analysed: {_counted(*files)}" if any(files) else ""
        gone = f"; {len(changed.unchecked):,} not checked again" if changed.unchecked else ""
        return f"Since {self.since} ({file}, {day}): {counted}{gone}{unseen}"

    @property
    def marked(self) -> Iterator[tuple[str, Finding]]:
        """All findings, each as ``new``, ``known`` or ``fixed``, in this order."""
        for mark, findings in (
            ("new", self.changes.new),
            ("known", self.changes.known),
            ("fixed", self.changes.fixed),
        ):
            for finding in findings:
                yield mark, finding

    @property
    def document(self) -> dict[str, Any]:
        """The comparison for ``--json``."""
        changed = self.changes
        listed = {
            "new": changed.new,
            "known": changed.known,
            "fixed": changed.fixed,
            "unchecked": changed.unchecked,
            "newFiles": changed.new_files,
            "knownFiles": changed.known_files,
            "fixedFiles": changed.fixed_files,
        }
        named = {name: [asdict(item) for item in items] for name, items in listed.items()}
        return {"since": self.since, "key": self.key, "exception": self.exception, **named}


def _counted(new: tuple[Any, ...], known: tuple[Any, ...], fixed: tuple[Any, ...]) -> str:
    return f"{len(new):,} new, {len(known):,} known, {len(fixed):,} fixed"


def of(evidence: Evidence, scan: Scan) -> Comparison | None:
    """Return what changed since the scan that the gate result names; None if that is unknown."""
    since = (scan.gate_result or {}).get("since", "")
    if not since or since.partition("/")[0] != scan.id.partition("/")[0]:
        return None
    earlier = evidence.scan(since)
    before, now = _findings(evidence, earlier), _findings(evidence, scan)
    if not (before and now and earlier.opened and earlier.gate_result):
        return None
    if earlier.gate_result.get("buildFailed"):
        return None
    return Comparison(
        since=since,
        key=earlier.opened["key"],
        evaluated=earlier.gate_result["evaluatedAt"],
        changes=changes.compare(before, now, _completed(earlier), _completed(scan)),
        exception=_exception(evidence, scan),
    )


def _findings(evidence: Evidence, scan: Scan) -> AllFindings | None:
    listed = findings_document.parse(evidence.findings(scan), scan.id)
    return listed if listed and listed.complete else None


def _completed(scan: Scan) -> frozenset[str]:
    parsed = report.parse(scan.report, scan.id)
    return parsed.completed if parsed else frozenset()


def _exception(evidence: Evidence, scan: Scan) -> str:
    """The exception that the card of ``scan`` names, if it is valid now."""
    named = (scan.gate_result or {}).get("exception") or scan.covered_by
    if not named or named.partition("/")[0] != scan.id.partition("/")[0]:
        return ""
    root = evidence.scan(named)
    if root.invalid_evidence or root.validity(timestamps.now()).status != "approved":
        return ""
    return f"{root.id} was {root.explanation('approved')}"
