"""Lines about files that were not analysed, for cards and emails."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from domain.coverage import Unseen, files
from domain.report import Report

UNANALYSED = "Unanalysed files: code that the scanner did not evaluate"
BY_NATURE = "Not covered by this scanner"
SILENT = "does not list the files that it read: all that it can read count as analysed"
NONE: Mapping[tuple[str, str], int] = MappingProxyType({})
# What to do if only conditions on files that were not analysed fail the gate.
_REMEDIES = {
    "unanalysed_files": "fix the unanalysed files so that the scanner can read them",
    "opaque_files": "leave the opaque files out or put their source code in their place",
}


class Line(NamedTuple):
    """``file`` may be empty; both are untrusted, since the scan wrote them."""

    file: str
    words: str


def unanalysed(report: Report, most: int, new: Mapping[tuple[str, str], int] = NONE) -> list[Line]:
    """Return lines about the first ``most`` files in supported languages that were not analysed.

    ``new`` has the classes and names of those that are new, which come first, and how many each is.
    """
    return _named(report, "unanalysed", most, new)


def by_nature(report: Report, most: int, most_languages: int) -> list[Line]:
    """Return lines about files that this scanner does not support, and whether it lists files."""
    coverage, scanner, does = report.coverage, report.scanner or "the scanner", "does"
    if coverage is None:
        return []
    if len(report.scanners) > 1:
        scanner, does = scanner.replace(", ", " or "), "do"
    lines = _named(report, "opaque", most)
    if languages := coverage.other_languages(most_languages):
        start = f"Files in languages that {scanner} {does} not support"
        lines.append(Line("", f"{start}: {languages}"))
    if not coverage.reported:
        some = "One of the scanners" if len(report.scanners) > 1 else scanner
        lines.append(Line("", f"{some} {SILENT}"))
    return lines


def remedy(report: Report) -> str:
    """Return what to do about a failed gate, for example ``fix the findings and upload again``."""
    if report.failed_scanners and not report.failed_findings:
        return "upload it again once all scanners can run"
    if not report.failed_unseen:
        return "fix the findings and upload again"
    failed = {condition.metric for condition in report.failed_conditions}
    steps = [step for metric, step in _REMEDIES.items() if metric in failed]
    return f"{', '.join(steps)}, and upload again"


def _named(
    report: Report, kind: str, most: int, new: Mapping[tuple[str, str], int] = NONE
) -> list[Line]:
    if report.coverage is None:
        return []
    listed = report.coverage.named(kind)
    # The report names the first 100 of a class, and new ones may be others.
    names = {entry.file for entry in listed}
    others = [
        Unseen(kind=kind, file=file, language="", reason="", files=number)
        for (of_kind, file), number in new.items()
        if of_kind == kind and file not in names
    ]
    entries = sorted([*listed, *others], key=lambda entry: (entry.kind, entry.file) not in new)
    left = report.coverage.counts[kind] - sum(entry.files for entry in entries[:most])
    return [
        *(
            Line(entry.file, ": ".join(filter(None, (_mark(entry, new), _why(entry)))))
            for entry in entries[:most]
        ),
        *([Line("", f"… and {files(left, 'more file')}")] if left > 0 else []),
    ]


def _mark(entry: Unseen, new: Mapping[tuple[str, str], int]) -> str:
    return "new" if (entry.kind, entry.file) in new else ""


def _why(unseen: Unseen) -> str:
    """For example ``archive``, ``1,204 files, dependencies``, ``syntax error in line 3``."""
    if not unseen.file.endswith("/"):
        return unseen.reason
    return ", ".join(filter(None, (files(unseen.files), unseen.language)))
