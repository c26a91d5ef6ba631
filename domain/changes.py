"""Compares the findings and the unseen files of two scans of an app."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from .findings import Finding
from .findings_document import AllFindings, UnseenFile

Item = TypeVar("Item", Finding, UnseenFile)


class Changes(NamedTuple):
    """What is new, known and fixed since an earlier scan; each in the order of its scan.

    The ``files`` are those that were not analysed. A finding that is counted under several
    severities is in each tuple once, as the worst. ``unchecked`` are gone, too, but none of their
    scanners was run again.
    """

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    new_files: tuple[UnseenFile, ...]
    known_files: tuple[UnseenFile, ...]
    fixed_files: tuple[UnseenFile, ...]
    unchecked: tuple[Finding, ...] = ()


class Matches(NamedTuple):
    """Positions of what the earlier scan has, too; each item matches one earlier item at most."""

    findings: frozenset[int]
    unseen: frozenset[int]


def compare(
    before: AllFindings,
    now: AllFindings,
    scanners_before: AbstractSet[str] = frozenset(),
    scanners_now: AbstractSet[str] = frozenset(),
) -> Changes:
    """Return what changed; it is certain only if both are ``complete``.

    ``scanners`` are those that completed; none where that is unknown.
    """
    forward, backward = matches(before, now), matches(now, before)
    gone = _split(before.findings, backward.findings)[1]

    def is_checked(finding: Finding) -> bool:
        return not scanners_now or bool(scanners_now & (set(finding.scanners) or scanners_before))

    known, new = _split(now.findings, forward.findings)
    known_files, new_files = _split(now.unseen, forward.unseen)
    return Changes(
        new=_once(new),
        known=_once(known),
        fixed=_once([finding for finding in gone if is_checked(finding)]),
        unchecked=_once([finding for finding in gone if not is_checked(finding)]),
        new_files=tuple(new_files),
        known_files=tuple(known_files),
        fixed_files=tuple(_split(before.unseen, backward.unseen)[1]),
    )


def matches(before: AllFindings, now: AllFindings) -> Matches:
    """Match by file and fingerprint, else by the same content of a file that has a new name.

    A severity that changed makes a finding a new one. An item of unknown identity is new.
    """
    return Matches(
        findings=_matched(
            before.findings,
            now.findings,
            identity=lambda item: item.fingerprint and (item.fingerprint, item.severity),
            contents=(before.contents, now.contents),
        ),
        unseen=_matched(
            before.unseen,
            now.unseen,
            identity=lambda item: item.file and item.sha256 and (item.sha256, item.kind),
            contents=(_contents(before.unseen), _contents(now.unseen)),
        ),
    )


def _matched(
    before: Iterable[Item],
    now: Iterable[Item],
    *,
    identity: Callable[[Item], object],
    contents: tuple[Mapping[str, str], Mapping[str, str]],
) -> frozenset[int]:
    """The positions in ``now`` of what matches; ``identity`` is falsy where it is unknown."""
    earlier = Counter((item.file, identity(item)) for item in before if identity(item))
    left: list[tuple[int, Item]] = []
    matched: set[int] = set()
    for position, item in enumerate(now):
        if _take(earlier, (item.file, identity(item))):
            matched.add(position)
        elif identity(item):
            left.append((position, item))
    old, new = contents
    moved: Counter[tuple[str, object]] = Counter()
    for (file, known), number in earlier.items():
        if file in old and file not in new:
            moved[old[file], known] += number
    matched.update(
        position
        for position, item in left
        if item.file not in old and _take(moved, (new.get(item.file, ""), identity(item)))
    )
    return frozenset(matched)


def _take(counter: Counter[tuple[str, object]], key: tuple[str, object]) -> bool:
    """Take one of ``key``, if there is one."""
    is_there = counter[key] > 0
    counter[key] -= is_there
    return is_there


def _contents(unseen: Iterable[UnseenFile]) -> dict[str, str]:
    return {entry.file: entry.sha256 for entry in unseen if entry.sha256}


def _split(items: tuple[Item, ...], matched: frozenset[int]) -> tuple[list[Item], list[Item]]:
    """The items at the positions ``matched``, and the others."""
    inside = [item for position, item in enumerate(items) if position in matched]
    return inside, [item for position, item in enumerate(items) if position not in matched]


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    unique: dict[object, Finding] = {}
    for finding in findings:
        key = (finding.file, finding.fingerprint) if finding.fingerprint else len(unique)
        unique.setdefault(key, finding)
    return tuple(unique.values())
