"""Documents are believed only as the pipeline writes them: as their schemas say."""

import json
from typing import Any

from domain.evidence_paths import schema_of
from domain.schema import errors, load

# Bytes. The pipeline writes a few kilobytes; a report has as many files as its upload.
LONGEST, LONGEST_REPORT = 1024 * 1024, 32 * 1024 * 1024


class Odd(ValueError):
    """A document is not as the pipeline writes it; the message is a line that says how."""


def longest(name: str) -> int:
    """Return how many bytes ``name`` may have."""
    return LONGEST_REPORT if name == "report.json" else LONGEST


def parse(name: str, body: bytes, scan: str) -> dict[str, Any]:
    """Return the document ``name``, as in ``gate-result.json``, ``actions/1.json``, of ``scan``.

    Raises:
        Odd: it is not as the pipeline writes it.
    """
    if len(body) > longest(name):
        raise Odd(f"is larger than {longest(name):,} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Odd("is no JSON object")
    if (about := document.get("scan")) != scan:
        raise Odd(f"is about another scan: {about}")
    known = schema_of(name)
    # A report is read by ``domain.report``: the scan of hostile code wrote it.
    if known and known != "report":
        for field, what in errors(document, load(known)):
            raise Odd(f"does not say what it must: {field} {what}")
    return document
