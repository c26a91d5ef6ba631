"""Identifies the files that were not analysed by their content, where the gate limits them."""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from domain.findings_document import UnseenFile
from scan import content
from scan.fingerprints import is_exact
from scan.job import CoverageLimits
from scan.ledger import Coverage, Entry


class Hashes:
    """Hashes what the upload in ``source`` has."""

    def __init__(self, source: Path, entries: Iterable[Entry]) -> None:
        self._source = source
        self._entries = {entry.path: entry for entry in entries}
        self._names = sorted(self._entries)

    def of(self, name: str) -> str | None:
        """The SHA-256 of a file or a folder (its name ends in ``/``); None if it is unknown."""
        if not is_exact(name):
            return None
        if name.endswith("/"):
            return self._folder(name)
        return self._file(self._entries[name]) if name in self._entries else None

    def _file(self, entry: Entry) -> str | None:
        if entry.folder is not None:
            # Such a link was not created; what it leads to is listed itself.
            return hashlib.sha256(json.dumps(entry.link).encode()).hexdigest()
        path = content.inside(self._source, entry.path)
        return content.sha256(path) if path else None

    def _folder(self, name: str) -> str:
        """Of the names and contents of all files in it."""
        first, last = (bisect_left(self._names, end) for end in (name, name[:-1] + "0"))
        listed = [
            (file.removeprefix(name), self._file(self._entries[file]))
            for file in self._names[first:last]
        ]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def unseen_files(coverage: Coverage, limits: CoverageLimits, hashes: Hashes) -> list[UnseenFile]:
    """The unanalysed and the opaque files, unless any number of them may pass."""
    limited = {kind for kind, most in asdict(limits).items() if most is not None}
    return [
        UnseenFile(
            kind=entry.kind, file=entry.file, files=entry.files, sha256=hashes.of(entry.file)
        )
        for entry in coverage.unseen
        if entry.kind in limited
    ]
