"""findings.json of a scan: all its findings up to these limits, where the report has the worst 20.

Like the report it is untrusted: hostile code may have taken over its scan.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .findings import SEVERITIES, Finding, scanners_of

NAME = "findings.json"
MOST_FINDINGS, MOST_UNSEEN = 10_000, 10_000
MOST_BYTES = 8 * 1024 * 1024


class UnseenFile(NamedTuple):
    """A file that was not analysed, or a folder (its name ends in ``/``) with ``files`` of them.

    ``kind`` is ``unanalysed`` or ``opaque``. Without ``sha256``, of its content, it cannot be
    compared.
    """

    kind: str
    file: str
    files: int
    sha256: str | None


class AllFindings(NamedTuple):
    """The findings, the worst first, and the files that were not analysed.

    ``contents`` has the SHA-256 of files with findings. ``complete`` says whether nothing was left
    out and each finding has a fingerprint: then two scans can be compared. ``hotspots`` is whether
    all of SonarQube's security hotspots are among the findings; not every token may read them.
    """

    findings: tuple[Finding, ...]
    contents: Mapping[str, str]
    unseen: tuple[UnseenFile, ...]
    complete: bool
    hotspots: bool = False


def parse(document: Any, scan: str) -> AllFindings | None:
    """Return what findings.json of ``scan`` says, None if it is invalid or another scan's."""
    try:
        return read(document) if document["scan"] == scan else None
    except (ValueError, KeyError, TypeError):
        return None


def read(document: Mapping[str, Any]) -> AllFindings:
    """Return what findings.json says.

    Raises:
        ValueError: it is not in the form of its schema.
    """
    try:
        return _read(document)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"it is not in the form of {NAME}: {error!r}") from error


def _read(document: Mapping[str, Any]) -> AllFindings:
    findings = tuple(map(_finding, document["findings"]))
    # Earlier evidence has neither fingerprints nor unseen files.
    unseen = tuple(map(_unseen, document.get("unseen", ())))
    left_out = int(document["omitted"]) or int(document.get("unseenOmitted", 0))
    is_comparable = "unseen" in document and all(finding.fingerprint for finding in findings)
    return AllFindings(
        findings=findings,
        contents={str(file): str(sha256) for file, sha256 in document.get("contents", {}).items()},
        unseen=unseen,
        complete=is_comparable and not left_out,
        hotspots=document.get("hotspots") is True,
    )


def _finding(entry: Mapping[str, Any]) -> Finding:
    if entry["severity"] not in SEVERITIES:
        raise ValueError("a finding has an unknown severity")
    return Finding(
        rule=str(entry["rule"]),
        severity=entry["severity"],
        message=str(entry["message"]),
        file=str(entry["file"]),
        line=None if entry["line"] is None else int(entry["line"]),
        link=None if entry["link"] is None else str(entry["link"]),
        fingerprint=str(entry.get("fingerprint", "")),
        scanners=scanners_of(entry),
    )


def _unseen(entry: Mapping[str, Any]) -> UnseenFile:
    return UnseenFile(
        kind=str(entry["class"]),
        file=str(entry["file"]),
        files=int(entry["files"]),
        sha256=None if entry["sha256"] is None else str(entry["sha256"]),
    )
