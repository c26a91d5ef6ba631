"""The findings of a check, by level."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ops.preflight.environment import Environment


class Level(StrEnum):
    """Worst first; UNKNOWN means that the check could not run."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    WARNING = "warning"
    FINE = "fine"


# The most names that ``listed`` shows.
SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``what`` was found, ``why`` it matters, and how to ``fix`` it: a command or instruction."""

    level: Level
    what: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Checks one prerequisite; ``inspect`` does not catch AWS's errors."""

    area: str
    about: str
    inspect: Callable[[Environment], Iterable[Finding]]


def fine(what: str) -> Finding:
    """It is as it should be."""
    return Finding(level=Level.FINE, what=what)


def warning(what: str, why: str, fix: str) -> Finding:
    """It works, but not well or not for long; or only another account or network can show it."""
    return Finding(level=Level.WARNING, what=what, why=why, fix=fix)


def failed(what: str, why: str, fix: str) -> Finding:
    """It does not work, or `pulumi up` would stop there."""
    return Finding(level=Level.FAILED, what=what, why=why, fix=fix)


def unknown(what: str, why: str, fix: str) -> Finding:
    """It could not be checked."""
    return Finding(level=Level.UNKNOWN, what=what, why=why, fix=fix)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
