"""What each document of the pipeline must say, and what is wrong with one that does not."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain.scan_id import SCAN_ID

# Bytes. The pipeline writes a few kilobytes; a report has as many files as its upload.
LONGEST, LONGEST_REPORT = 1024 * 1024, 32 * 1024 * 1024
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")

Check = Callable[[Any], bool]


class Odd(ValueError):
    """A document is not as the pipeline writes it; the message is a line that says how."""


def is_text(value: Any) -> bool:
    """Whether it is a string, empty or not."""
    return isinstance(value, str)


def is_name(value: Any) -> bool:
    """Whether it is a string that can name something."""
    return is_text(value) and bool(value)


def is_moment(value: Any) -> bool:
    """Whether it is as in ``2026-12-24T10:00:00Z``: in UTC, so that texts compare as moments do."""
    if not is_text(value) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _one_of(*values: str) -> Check:
    return lambda value: is_text(value) and value in values


def _or_missing(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _is_attempt(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_scan(value: Any) -> bool:
    return is_text(value) and bool(SCAN_ID.fullmatch(value))


# The fields that are relied on. A report is read by ``handlers.report``.
FIELDS: Mapping[str, Mapping[str, Check]] = {
    "scan.json": {
        "app": is_name,
        "bucket": is_name,
        "key": is_name,
        "versionId": is_name,
        "attempt": _or_missing(_is_attempt),
        "uploadedAt": is_moment,
        "uploadedBy": is_text,
        "execution": is_name,
    },
    "report.json": {},
    "verdict.json": {
        "status": _one_of("passed", "failed", "error"),
        "reason": is_text,
        "judgedAt": is_moment,
    },
    "decision.json": {
        "verdict": _one_of("approved", "rejected", "expired", "superseded"),
        "reason": is_text,
        "decidedAt": is_moment,
        "until": _or_missing(is_moment),
    },
    "withdrawal.json": {"reason": is_text, "withdrawnAt": is_moment},
    "pressed/": {
        "verb": is_text,
        "reason": is_text,
        "pressedAt": is_moment,
        "user": is_text,
        "userName": _or_missing(is_text),
    },
    "waiting/": {
        "scan": _is_scan,
        "for": _one_of("decision", "exception"),
        "askedAt": is_moment,
        "until": is_moment,
    },
}


def longest(name: str) -> int:
    """Return how many bytes ``name`` may have."""
    return LONGEST_REPORT if name == "report.json" else LONGEST


def parse(name: str, body: bytes, scan: str) -> dict[str, Any]:
    """Return the document ``name``, as in ``verdict.json``, ``pressed/1.json``, of ``scan``.

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
    for field, check in _fields(name).items():
        if not check(document.get(field)):
            raise Odd(f"does not say what it must: {field} is {_named(document, field)}")
    if name == "decision.json" and document["verdict"] == "approved" and not document.get("until"):
        raise Odd("approves without an end")
    return document


def _fields(name: str) -> Mapping[str, Check]:
    folder, slash, _ = name.partition("/")
    return FIELDS.get(folder + slash, {})


def _named(document: Mapping[str, Any], field: str) -> str:
    return repr(document[field])[:100] if field in document else "missing"
