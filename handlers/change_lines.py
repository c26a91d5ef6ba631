"""Lines about what changed since an earlier version, for cards and emails, which escape them."""

from collections.abc import Iterator

from domain import timestamps
from domain.changes import Changes
from domain.coverage import files
from domain.findings import Finding
from domain.sanitize import line
from handlers.comparison import Comparison
from handlers.exceptions_of_app import Match

NEW = "new"
# New findings that are named, and findings that are named if fewer are new.
TOP_NEW = 10
LONGEST_NAME, LONGEST_PERSON = 120, 80


def headline(comparison: Comparison) -> str:
    """For example ``Since a.zip, version 3Lg (12 Nov 2026): 2 new findings, 9 known, 1 fixed``."""
    since, changes = comparison
    day = timestamps.day(since.gate_result["evaluatedAt"])
    start = f"Since {line(since.name, LONGEST_NAME)} ({day})"
    if changes is None:
        return f"{start}: not compared, since not all findings of both versions are identified"
    new, known, fixed = map(len, (changes.new, changes.known, changes.fixed))
    parts = [f"{_findings(new, 'new finding')}, {known:,} known, {fixed:,} fixed"]
    if changes.new_files or changes.known_files or changes.fixed_files:
        new, known, fixed = (
            sum(entry.files for entry in entries)
            for entries in (changes.new_files, changes.known_files, changes.fixed_files)
        )
        parts.append(f"unanalysed: {files(new, 'new file')}, {known:,} known, {fixed:,} fixed")
    if changes.unchecked:
        number = len(changes.unchecked)
        parts.append(f"{number:,} not checked again, since their scanner did not run")
    return f"{start}: {'; '.join(parts)}"


def approved(match: Match) -> str:
    """Who approved the known findings, why, and until when; plain text."""
    covered = _findings(match.findings, "finding")
    if match.files:
        covered += f" and {files(match.files, 'unanalysed file')}"
    are = "is" if match.findings + match.files == 1 else "are"
    # Without the names of two people the log only says who it may have been.
    joined = " and " if "approvals" in match.exception.decision.document else " or "
    names = joined.join(line(str(person), LONGEST_PERSON) for person in match.people[:5])
    by = f" by {names}" if names else ""
    until = timestamps.minute(timestamps.iso(match.exception.ends))
    reason = match.exception.decision.document["reason"]
    return (
        f"{covered} {are} approved with {line(match.result.name, LONGEST_NAME)}{by} until {until}, "
        f"because: {reason}"
    )


def first(changes: Changes, most: int) -> list[tuple[str, Finding]]:
    """Return the findings to name, new ones before known ones, each with ``NEW`` or ``""``.

    Up to ``TOP_NEW`` new ones; known ones only while these are fewer than ``most``.
    """
    new = changes.new[:TOP_NEW]
    known = changes.known[: max(0, most - len(new))]
    return [*((NEW, finding) for finding in new), *(("", finding) for finding in known)]


def left_out(changes: Changes, most: int) -> str:
    """What ``first`` leaves out, for example ``3 more new findings and 9 known``; maybe empty."""
    named = first(changes, most)
    new = len(changes.new) - sum(mark == NEW for mark, _ in named)
    known = len(changes.known) - sum(mark != NEW for mark, _ in named)
    return " and ".join(_left(new, known))


def uncovered(match: Match) -> str:
    """Why that exception does not cover the version, plain text; empty if nobody asked."""
    return f"Not covered by it: {' '.join(match.uncovered)}" if match.uncovered else ""


def new_files(comparison: Comparison | None) -> dict[tuple[str, str], int]:
    """The unanalysed files that are new: class and name of each, and how many a folder holds."""
    changes = comparison and comparison.changes
    entries = changes.new_files if changes else ()
    return {(entry.kind, entry.file): entry.files for entry in entries}


def _left(new: int, known: int) -> Iterator[str]:
    if new:
        yield _findings(new, "more new finding")
    if known:
        yield f"{known:,} more known" if not new else f"{known:,} known"


def _findings(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
