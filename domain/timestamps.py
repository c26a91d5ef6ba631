"""Timestamps: ``2026-12-24T10:00:00Z`` in evidence, ``24 Dec 2026, 10:00 UTC`` for people."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC; handlers and scans read the clock only here."""
    return datetime.now(UTC)


def iso(when: datetime) -> str:
    """For example ``2026-12-24T10:00:00Z``."""
    # Not strftime: Linux's writes the year 1 as "1", which no longer can be read.
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse(timestamp: str) -> datetime:
    """Return the time in UTC.

    Raises:
        ValueError: it is not an ISO 8601 timestamp, or in UTC its year is none from 1 to 9999.
    """
    try:
        return datetime.fromisoformat(timestamp).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{timestamp} lies beyond the years 1 to 9999") from error


def day(timestamp: str) -> str:
    """For example ``24 Dec 2026``."""
    return f"{parse(timestamp):%d %b %Y}".lstrip("0")


def minute(timestamp: str) -> str:
    """For example ``24 Dec 2026, 10:00 UTC``."""
    return f"{day(timestamp)}, {parse(timestamp):%H:%M} UTC"


def is_over(timestamp: str, now: datetime) -> bool:
    """Whether ``now`` is at or after ``timestamp``."""
    return now >= parse(timestamp)


def seconds(start: str, end: str) -> int:
    """How many seconds lie between two timestamps."""
    return int((parse(end) - parse(start)).total_seconds())
