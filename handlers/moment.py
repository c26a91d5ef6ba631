"""Moments: ``2026-12-24T10:00:00Z`` in evidence, ``24 Dec 2026, 10:00 UTC`` for people."""

from datetime import UTC, datetime


def now() -> datetime:
    """The only clock of the functions."""
    return datetime.now(UTC)


def iso(when: datetime) -> str:
    """As in ``2026-12-24T10:00:00Z``."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(moment: str) -> str:
    """As in ``24 Dec 2026``."""
    return f"{_parse(moment):%d %b %Y}".lstrip("0")


def minute(moment: str) -> str:
    """As in ``24 Dec 2026, 10:00 UTC``."""
    return f"{day(moment)}, {_parse(moment):%H:%M} UTC"


def is_over(moment: str, now: datetime) -> bool:
    """Whether ``now`` is at or after ``moment``."""
    return now >= _parse(moment)


def seconds(start: str, end: str) -> int:
    """How long it took from one to the other."""
    return int((_parse(end) - _parse(start)).total_seconds())


def _parse(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)
