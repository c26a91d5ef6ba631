"""Points in time of random scenarios: an anchor (see ``anchors``), shifted by some seconds."""

from random import Random
from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86400
# The anchors that are known in advance, so that an action may also precede them.
_KNOWN = ("escalation", "request", "reminder", "approval", "extended")


def point(draw: Random, timestamp: str, spread: float) -> dict[str, Any]:
    """Return a time up to ``spread`` seconds after ``timestamp``, or before it if it is known."""
    plus = spread * draw.random()
    if timestamp.split(maxsplit=1)[0] in _KNOWN:
        plus = spread * (2 * draw.random() - 1)
    return {"after": timestamp, "plus": round(plus, 3)}
