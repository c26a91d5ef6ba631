"""Durations as people write them: ``90s``, ``15m``, ``72h``, ``30d``."""

import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")


def seconds(text: str, default_unit: str = "") -> int | None:
    """Return ``text`` in seconds, None if it is not a duration.

    Capital letters, spaces and *day(s)* are accepted as well. A number without a unit is in
    ``default_unit``, a key of ``UNITS``; if that is empty, it is not a duration.
    """
    plain = re.sub(r" *days?$", "d", text.strip().lower()).replace(" ", "")
    match = _DURATION.fullmatch(plain)
    unit = match and (match[2] or default_unit)
    return int(match[1]) * UNITS[unit] if match and unit else None


def text(seconds: float) -> str:
    """For example ``42 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (whole % 60, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or (
        "0 s"
    )
