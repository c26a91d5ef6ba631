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
