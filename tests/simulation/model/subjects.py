"""What the rules of the model are about: versions, their scans, and the executions of these."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.simulation.model.wording import answered, context, kind, seconds, verb
from tests.simulation.trace import BuildStarted, Clicked, Mailed, Published, Stored, Tagged

# A person waits 15 s for an answer at most (DESIGN section 6), in seconds; what was asked of a
# function, and by it, may still take effect when nobody waits for it any more.
CLICK = 30.0


@dataclass(frozen=True)
class Violation:
    """``kind`` is short and stable; ``what`` is a sentence with the scan and moments."""

    kind: str
    at: float
    what: str


@dataclass(slots=True)
class Run:
    """One execution: of which attempt, from when to when, and how it ended."""

    execution: str
    attempt: "Attempt"
    started: float
    ended: float = inf
    status: str = ""


@dataclass(slots=True)
class Attempt:
    """One scan of a version; ``files`` are its objects by name, as they were first written."""

    scan: str
    number: int
    version: "Version"
    files: dict[str, Stored] = field(default_factory=dict)
    rewritten: list[Stored] = field(default_factory=list)
    cards: list[Published] = field(default_factory=list)
    mails: list[Mailed] = field(default_factory=list)
    clicks: list[Clicked] = field(default_factory=list)
    builds: list[BuildStarted] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    # What the documents say, once all are known.
    evaluated: float = inf
    status: str | None = None
    decided: float = inf
    decision: dict[str, Any] = field(default_factory=dict)
    withdrawn: float = inf
    withdrawal: dict[str, Any] = field(default_factory=dict)
    until: float = inf
    requested: float = inf
    """When the first card with Approve and Reject was published."""

    @property
    def outcome(self) -> str:
        """What was decided; empty where nothing was."""
        return self.decision.get("decision", "")

    @property
    def holds_until(self) -> float:
        """When an approval was over or withdrawn, whichever came first."""
        return min(self.until, self.withdrawn)

    def held(self, start: float, end: float, skew: float = 0.0) -> bool:
        """Whether it was approved, and neither withdrawn nor over, at some moment of these."""
        over = min(self.until + skew, self.withdrawn)
        return self.outcome == "approved" and self.decided <= end and over > start

    def settle(self) -> None:
        """Take from the documents what the rules go by."""
        if stored := self.files.get("gate-result.json"):
            self.evaluated, self.status = stored.at, _of(stored).get("status")
        if stored := self.files.get("decision.json"):
            self.decided, self.decision = stored.at, _of(stored)
            if self.outcome == "approved":
                self.until = seconds(self.decision.get("expiresAt"))
        if stored := self.files.get("withdrawal.json"):
            self.withdrawn, self.withdrawal = stored.at, _of(stored)
        for card in self.cards:
            if kind(card) == "failed" and "Decide" in context(card):
                self.requested = min(self.requested, card.at)


@dataclass(slots=True)
class Version:
    """One upload."""

    key: str
    id: str
    uploaded: float
    gate: str
    later: "list[Version]" = field(default_factory=list)
    deleted: float = inf
    attempts: list[Attempt] = field(default_factory=list)
    tags: list[Tagged] = field(default_factory=list)

    def newer(self, start: float, end: float) -> "Version | None":
        """A version of the same key that was newer than this at each moment of these."""
        result = [
            version for version in self.later if version.uploaded < start and version.deleted > end
        ]
        return result[-1] if result else None

    def replaced(self, start: float, end: float) -> bool:
        """Whether there was a newer version at some moment of these."""
        return any(version.uploaded <= end and version.deleted >= start for version in self.later)


def flights(attempt: Attempt, verbs: tuple[str, ...], at: float) -> Iterator[Clicked]:
    """The clicks that were under way at the moment ``at``."""
    for click in attempt.clicks:
        end = click.at if answered(click) else max(click.at, click.began + CLICK)
        if click.began <= at <= end and verb(click) in verbs:
            yield click


def _of(stored: Stored) -> dict[str, Any]:
    return stored.document if isinstance(stored.document, dict) else {}
