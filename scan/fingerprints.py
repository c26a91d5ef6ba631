"""Identifies findings, so that they are the same in later versions; see docs/fingerprints.md."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from domain.findings import Finding
from scan import content
from scan.as_json import encoded
from scan.finding import LONGEST_FILE

# Of the lines that a tool marks; a finding in a whole function is often the same without the rest.
MOST_LINES = 10
DIGITS = 32


class Reported(NamedTuple):
    """A finding as a tool reports it, with the last of its lines and the tool's own fingerprint.

    ``others`` are further files of the upload that the tool may mean by its location, and
    ``weaknesses`` ids by which other tools know what its rule finds.
    """

    finding: Finding
    last_line: int | None = None
    own: str = ""
    others: tuple[str, ...] = ()
    weaknesses: frozenset[str] = frozenset()

    @property
    def lines(self) -> range:
        """The numbers of the lines that identify it."""
        first, last = self.finding.line, self.last_line
        if first is None:
            return range(0)
        return range(first, min(max(first, last or 0), first + MOST_LINES - 1) + 1)


@dataclass(frozen=True, kw_only=True)
class Identified:
    """The findings in their order, with fingerprints; and the SHA-256 of the files they are in."""

    findings: list[Finding]
    contents: Mapping[str, str]


def identified(reported: Sequence[Reported], source: Path) -> Identified:
    """Give each finding in the upload ``source`` its fingerprint; each file is read once.

    Two findings of a file are never the same: equal ones are numbered by their lines. The tool's
    own fingerprint can only tell findings apart, since hostile code may choose what it covers.
    """
    by_file: dict[str, list[int]] = {}
    for number, item in enumerate(reported):
        by_file.setdefault(item.finding.file, []).append(number)
    findings = [item.finding for item in reported]
    contents: dict[str, str] = {}

    @cache
    def path_of(file: str) -> Path | None:
        return content.inside(source, file) if file else None

    @cache
    def content_of(file: str) -> str | None:
        path = path_of(file)
        return content.sha256(path) if path else None

    for file, numbers in by_file.items():
        texts = _texts(path_of(file), [reported[number] for number in numbers])
        if sha256 := content_of(file):
            contents[file] = sha256
        equal = Counter[str]()
        for number in sorted(numbers, key=lambda number: findings[number].line or 0):
            item = reported[number]
            if texts is None or item.others:
                # Which code it is about is uncertain, so all of it must be the same.
                text = [content_of(name) for name in (file, *item.others)]
            else:
                text = [texts[line].hex() for line in item.lines if line in texts]
            identity = _identity(item, text)
            equal[identity] += 1
            fingerprint = _sha256([identity, equal[identity]])[:DIGITS]
            findings[number] = replace(findings[number], fingerprint=fingerprint)
    return Identified(findings=findings, contents=contents)


@lru_cache(maxsize=4096)  # many findings are in few files
def is_exact(file: str) -> bool:
    """Whether documents have this name in full: long and undecodable ones can become the same."""
    return len(file) <= LONGEST_FILE and json.loads(encoded(file)) == file


def _texts(path: Path | None, reported: Iterable[Reported]) -> Mapping[int, bytes] | None:
    numbers = {number for item in reported for number in item.lines}
    return content.lines(path, numbers, max(numbers)) if path and numbers else {}


def _identity(reported: Reported, text: Sequence[str | None]) -> str:
    finding = reported.finding
    return _sha256(
        [
            finding.rule,
            reported.own,
            # Without its code, for example in a file that is not in the upload.
            text or [finding.message, finding.line],
            "" if is_exact(finding.file) else finding.file,
        ]
    )


def _sha256(values: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
