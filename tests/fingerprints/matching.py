"""Counts how many findings of two scans are matched, and shows matched pairs."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from domain.changes import matches
from domain.findings import Finding
from domain.findings_document import AllFindings
from tests.fingerprints.scanning import Project, Scanned, Workplace

CONTEXT, NEIGHBOURS, SHORT = 3, 6, 5
Pair = tuple[Finding, Finding]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Findings of two scans; ``own`` of them are matched by the tool's own fingerprint.

    ``by_lines`` are the matched ones where other numbers of lines are compared.
    """

    before: int = 0
    now: int = 0
    matched: int = 0
    own: int = 0
    by_lines: tuple[int, ...] = ()

    @property
    def cells(self) -> list[str]:
        """For a table: earlier, later, matched (with their share of the earlier), new."""
        share = f" ({self.matched / self.before:.1%})" if self.before else ""
        numbers = f"{self.before:,}", f"{self.now:,}", f"{self.matched:,}{share}"
        return [*numbers, f"{self.now - self.matched:,}"]

    def __add__(self, other: "Comparison") -> "Comparison":
        """The sums."""
        total = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in fields(self)
            if field.name != "by_lines"
        }
        one = self.by_lines or (0,) * len(other.by_lines)
        by_lines = tuple(a + b for a, b in zip(one, other.by_lines, strict=True))
        return Comparison(**total, by_lines=by_lines)


def compared(before: Scanned, now: Scanned, lines: Sequence[int]) -> Comparison:
    """Compare two scans, and count what is matched where ``lines`` of a finding are compared."""
    earlier, later = before.findings(), now.findings()
    own = sum((_own(before) & _own(now)).values())
    return Comparison(
        before=len(earlier.findings),
        now=len(later.findings),
        matched=len(matches(earlier, later).findings),
        own=own,
        by_lines=tuple(
            len(matches(before.findings(most), now.findings(most)).findings) for most in lines
        ),
    )


def _own(scanned: Scanned) -> Counter[str]:
    """Semgrep's own fingerprints, which depend on the file, too."""
    return Counter(one for listed in scanned.own.values() for one in listed)


def pairs(before: Scanned, now: Scanned) -> list[Pair]:
    """What is matched in files that changed."""
    earlier, later = before.findings(), now.findings()
    by_identity: dict[object, deque[Finding]] = defaultdict(deque)
    for finding in earlier.findings:
        content = earlier.contents.get(finding.file)
        for location in (finding.file, content):
            by_identity[location, finding.fingerprint, finding.severity].append(finding)
    return list(_changed(earlier, later, by_identity))


def _changed(
    earlier: AllFindings, later: AllFindings, by_identity: dict[object, deque[Finding]]
) -> Iterator[Pair]:
    for position in sorted(matches(earlier, later).findings):
        finding = later.findings[position]
        content = later.contents.get(finding.file)
        key = finding.fingerprint, finding.severity
        old = (by_identity[finding.file, *key] or by_identity[content, *key])[0]
        if earlier.contents.get(old.file) != content:
            yield old, finding


def is_displaced(pair: Pair, sources: tuple[Path, Path]) -> bool:
    """Whether no line around the one finding is around the other: they may be two equal ones."""
    one, two = (_around(finding, source) for finding, source in zip(pair, sources, strict=True))
    return not one & two


def _around(finding: Finding, source: Path) -> set[str]:
    if finding.line is None:
        return {finding.message}
    lines = _lines(source / finding.file)
    before, after = lines[: finding.line - 1][-NEIGHBOURS:], lines[finding.line :][:NEIGHBOURS]
    # Short lines, such as brackets, are everywhere.
    return {text for line in (*before, *after) if len(text := line.strip()) > SHORT}


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()


def excerpts(
    matched: Iterable[Pair], project: Project, tool: str, workplace: Workplace
) -> list[str]:
    """Each pair as text: both findings with some lines around them."""
    texts = []
    for pair in matched:
        parts = [f"## {project.title} {tool} {pair[1].rule}: {pair[1].message[:100]}"]
        for release, finding in zip(project.releases, pair, strict=True):
            source = workplace.scan(release, tool).source
            lines = _lines(source / finding.file)
            number = finding.line or 1
            first = max(0, number - 1 - CONTEXT)
            some = lines[first : number + CONTEXT]
            parts.append(
                f"{finding.location}\n"
                + "\n".join(
                    f"{'>' if at == number else ' '} {at:5} {line[:150]}"
                    for at, line in enumerate(some, first + 1)
                )
            )
        texts.append("\n".join(parts))
    return texts
