"""findings.json of a scan, as ``domain/schemas/findings.schema.json`` defines it."""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.findings_document import MOST_BYTES, MOST_FINDINGS, MOST_UNSEEN, UnseenFile
from scan.as_json import encoded
from scan.finding import LONGEST_FILE, Analysis, as_document, worst_first
from scan.fingerprints import is_exact
from scan.job import Job

# Bytes that are left for what is not a list.
HEAD = 16 * 1024


def document(job: Job, analysis: Analysis, unseen: Sequence[UnseenFile] = ()) -> dict[str, Any]:
    """The JSON: the worst findings up to the limits; ``omitted`` counts the others."""
    room = _Room(MOST_BYTES - HEAD)
    worst = worst_first([*analysis.findings, *analysis.repeated])[:MOST_FINDINGS]
    listed = room.filled(map(as_document, worst))
    files = room.filled(map(_unseen, unseen[:MOST_UNSEEN]))
    # Without its content a file with a new name is not followed.
    named = dict.fromkeys(entry["file"] for entry in listed if is_exact(entry["file"]))
    contents = room.filled(
        [file, analysis.contents[file]] for file in named if file in analysis.contents
    )
    return {
        "version": 1,
        "scan": job.scan,
        "app": job.app,
        "findings": listed,
        "counts": dict(analysis.counts),
        "omitted": max(0, sum(analysis.counts.values()) - len(listed)),
        "contents": dict(contents),
        "hotspots": analysis.hotspots,
        "unseen": files,
        "unseenOmitted": sum(entry.files for entry in unseen)
        - sum(file["files"] for file in files),
    }


class _Room:
    """The bytes that are left in the document."""

    def __init__(self, left: int) -> None:
        self._left = left

    def filled(self, entries: Iterable[Any]) -> list[Any]:
        """The first ``entries``, as many as fit."""
        listed: list[Any] = []
        for entry in entries:
            size = len(encoded(entry)) + len(", ")
            if size > self._left:
                break
            self._left -= size
            listed.append(entry)
        return listed


def _unseen(entry: UnseenFile) -> dict[str, Any]:
    return {
        "class": entry.kind,
        "file": entry.file[:LONGEST_FILE],
        "files": entry.files,
        "sha256": entry.sha256,
    }
