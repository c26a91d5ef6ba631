"""Parses documents of the pipeline, and refuses those that don't match their schemas."""

import json
from typing import Any

from domain import findings_document
from domain.evidence_paths import schema_of
from domain.schema import errors, load

# Bytes. The pipeline writes a few kilobytes; a report grows with the number of files.
LONGEST, LONGEST_REPORT = 1024 * 1024, 32 * 1024 * 1024


class InvalidDocument(ValueError):
    """The document is not as the pipeline writes it; the message is one line that says why."""


def longest(name: str) -> int:
    """Return the maximum size of the document ``name`` in bytes."""
    if name == findings_document.NAME:
        return findings_document.MOST_BYTES
    return LONGEST_REPORT if name == "report.json" else LONGEST


def parse(name: str, body: bytes, scan: str) -> dict[str, Any]:
    """Return the document ``name`` (``gate-result.json``, ``actions/1.json``, ...) of ``scan``.

    Raises:
        InvalidDocument: it is not as the pipeline writes it.
    """
    if len(body) > longest(name):
        raise InvalidDocument(f"is larger than {longest(name):,} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidDocument("is no JSON object")
    if (about := document.get("scan")) != scan:
        raise InvalidDocument(f"is about another scan: {about}")
    known = schema_of(name)
    # Reports are untrusted; ``domain.report`` validates them where they are used.
    if known and known != "report":
        for field, what in errors(document, load(known)):
            raise InvalidDocument(f"does not say what it must: {field} {what}")
    return document
