"""Parses cards, clicks, answers and documents by the wording that people read."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import inf

from tests.simulation.trace import EPOCH, Clicked, Published, timestamp

# After an answer that nothing was done, or none, people click again (docs/decisions.md).
NO_ANSWER = "AWS error"


def context(card: Published) -> dict[str, str]:
    """The context that the buttons of a card read."""
    return card.card.get("metadata", {}).get("additionalContext") or {}


KINDS = {"quality gate failed": "failed", "scan failed to run": "scan error"}
_PLAIN = (
    # Cards that the state machine writes itself have no keywords; they are known by the title.
    (re.compile("Pipeline error"), "pipeline error"),
    (re.compile(r": ([\w ]+), but the email could not be sent"), "unsent"),
    (re.compile(": approved, but its status could not be set yet"), "delayed"),
    (re.compile("decision still pending"), "escalated"),
)


def kind(card: Published) -> str:
    """``failed``, ``scan error``, the outcome, or a card of the state machine itself (``_PLAIN``).

    Empty if it is none of these.
    """
    content = card.card["content"]
    if keywords := content.get("keywords"):
        return KINDS.get(str(keywords[0]), str(keywords[0]))
    for pattern, name in _PLAIN:
        if match := pattern.search(content["title"]):
            return f"unsent {match[1].replace(' ', '-')}" if name == "unsent" else str(name)
    return ""


def verb(click: Clicked) -> str:
    """``approve``, ``reject``, ``withdraw``, ``extend`` or ``rescan``; empty if none."""
    if click.function == "rescan":
        return "rescan"
    payload = click.payload if isinstance(click.payload, dict) else {}
    verbs = [item for item in ("approve", "reject", "withdraw", "extend") if item in payload]
    return verbs[0] if len(verbs) == 1 else ""


def answered(click: Clicked) -> bool:
    """Whether the answer says that something was done."""
    return click.answer is not None and not click.answer.startswith(NO_ANSWER)


@lru_cache(maxsize=4096)
def _seconds(text: str) -> float:
    return (datetime.fromisoformat(text).astimezone(UTC) - EPOCH).total_seconds()


def seconds(text: object) -> float:
    """A document's timestamp in virtual time; infinite if it has none."""
    return _seconds(text) if isinstance(text, str) else inf


@lru_cache(maxsize=4096)
def minute(at: float) -> str:
    """A time as cards have it: ``24 Dec 2026, 10:00 UTC``."""
    if at == inf:
        return "never"
    return f"{timestamp(at):%d %b %Y, %H:%M} UTC".lstrip("0")


@lru_cache(maxsize=4096)
def day(at: float) -> str:
    """A day as cards have it: ``24 Dec 2026``."""
    if at == inf:
        return "never"
    return f"{timestamp(at):%d %b %Y}".lstrip("0")
