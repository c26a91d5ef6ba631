"""What the rules of the model are about: versions, their scans, and the executions of these."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.simulation.model.wording import answered, context, kind, seconds, verb
from tests.simulation.trace import BuildStarted, Clicked, Mailed, Published, Stored, Tagged

# How long a click may still take effect, in seconds: a person waits 15 s for the answer (the chat
# service's limit); requests to a function, and by it, may take effect afterwards.
CLICK = 30.0
# An extension counts only if it is written this long before the end, in seconds
# (docs/decisions.md, "Extend").
LAST_MINUTE = 60.0


@dataclass(frozen=True)
class Violation:
    """``kind`` is short and stable; ``what`` is a sentence with the scan and times."""

    kind: str
    at: float
    what: str


@dataclass(slots=True)
class Run:
    """One execution: its attempt, its start and end, and its final status."""

    execution: str
    attempt: "Attempt"
    started: float
    ended: float = inf
    status: str = ""


@dataclass(slots=True)
class Attempt:
    """One scan of a version; ``files`` are the first versions of its objects, by name."""

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
    build: str = ""
    """How its build ended; empty if it has not."""
    built: float = inf
    # The content of the documents, set once all are known.
    evaluated: float = inf
    status: str | None = None
    decided: float = inf
    decision: dict[str, Any] = field(default_factory=dict)
    withdrawn: float = inf
    """When it, or the exception that it rests on, was withdrawn."""
    withdrawal: dict[str, Any] = field(default_factory=dict)
    until: float = inf
    """When an approval ends, with all its extensions."""
    extensions: list[Stored] = field(default_factory=list)
    """In the order of their numbers."""
    root: "Attempt | None" = None
    """The scan whose exception this one's approval rests on."""
    resting: "list[Attempt]" = field(default_factory=list)
    """The scans whose approvals rest on this one's exception."""
    requested: float = inf
    """When the first card with Approve and Reject was published."""

    @property
    def outcome(self) -> str:
        """The decision; empty if there is none."""
        return self.decision.get("decision", "")

    @property
    def holds_until(self) -> float:
        """When an approval expired or was withdrawn, whichever came first."""
        return min(self.until, self.withdrawn)

    @property
    def own_withdrawal(self) -> float:
        """When its own withdrawal.json was written; infinite if it has none."""
        stored = self.files.get("withdrawal.json")
        return stored.at if stored else inf

    def end(self, at: float) -> float:
        """When an approval ends, as the evidence of the time ``at`` says."""
        if self.root:
            return self.root.end(at)
        if self.outcome != "approved":
            return inf
        end = seconds(self.decision.get("expiresAt"))
        for stored in self.extensions:
            document = _of(stored)
            if stored.at <= at and seconds(document.get("extendedAt")) <= end - LAST_MINUTE:
                end = max(end, seconds(document.get("expiresAt")))
        return end

    def ends(self, start: float, end: float) -> set[float]:
        """The ends that the evidence named in this period."""
        source = self.root or self
        times = [item.at for item in source.extensions if start <= item.at <= end]
        return {self.end(at) for at in (start, *times, end)}

    def terms(self) -> list[tuple[float, float]]:
        """Since when the evidence named which end, in order: of the approval, each extension."""
        result = [(self.decided, self.end(self.decided))]
        for stored in sorted(self.extensions, key=lambda stored: stored.at):
            if (end := self.end(stored.at)) > result[-1][1]:
                result.append((stored.at, end))
        return result

    def held(self, start: float, end: float, skew: float = 0.0) -> bool:
        """Whether an approval was valid at some point in this period."""
        over = min(self.end(end) + skew, self.withdrawn)
        return self.outcome == "approved" and self.decided <= end and over > start

    def numbered(self, folder: str) -> list[tuple[int, Stored]]:
        """The documents in a folder of the evidence, in the order of their numbers."""
        names = (name for name in self.files if name.startswith(f"{folder}/"))
        numbers = {int(name[len(folder) + 1 : -len(".json")]): name for name in names}
        return [(number, self.files[numbers[number]]) for number in sorted(numbers)]

    def rest(self, root: "Attempt") -> None:
        """Let the approval rest on the exception of ``root``, which is settled."""
        self.root = root
        root.resting.append(self)
        self.until, self.withdrawn = root.until, min(self.withdrawn, root.withdrawn)

    def settle(self) -> None:
        """Read the values that the rules use from the documents."""
        if stored := self.files.get("gate-result.json"):
            self.evaluated, self.status = stored.at, _of(stored).get("status")
        if stored := self.files.get("decision.json"):
            self.decided, self.decision = stored.at, _of(stored)
        numbered = (name for name in self.files if name.startswith("extensions/"))
        for name in sorted(
            numbered, key=lambda name: int(name[len("extensions/") : -len(".json")])
        ):
            self.extensions.append(self.files[name])
        self.until = self.end(inf)
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
    app: str = ""
    by: str = ""
    later: "list[Version]" = field(default_factory=list)
    deleted: float = inf
    attempts: list[Attempt] = field(default_factory=list)
    tags: list[Tagged] = field(default_factory=list)

    def newer(self, start: float, end: float) -> "Version | None":
        """A version of the same key that was newer than this during the whole period."""
        result = [
            version for version in self.later if version.uploaded < start and version.deleted > end
        ]
        return result[-1] if result else None

    def replaced(self, start: float, end: float) -> bool:
        """Whether there was a newer version at some point in this period."""
        return any(version.uploaded <= end and version.deleted >= start for version in self.later)


def flights(attempt: Attempt, verbs: tuple[str, ...], at: float) -> Iterator[Clicked]:
    """The clicks that were in progress at the time ``at``."""
    for click in attempt.clicks:
        end = click.at if answered(click) else max(click.at, click.began + CLICK)
        if click.began <= at <= end and verb(click) in verbs:
            yield click


def _of(stored: Stored) -> dict[str, Any]:
    return stored.document if isinstance(stored.document, dict) else {}
