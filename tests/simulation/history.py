"""A trace in the order of things instead of time: versions, their scans, and what was told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from math import inf
from typing import Any

from tests.simulation.patience import Patience
from tests.simulation.trace import (
    EPOCH,
    BuildStarted,
    Clicked,
    Deleted,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Faulted,
    Mailed,
    Published,
    Stored,
    Tagged,
    Trace,
    Uploaded,
    Verified,
    moment,
)

# A person waits 15 s for an answer at most (DESIGN section 6), in seconds; what was asked of a
# function, and by it, may still take effect when nobody waits for it any more.
CLICK = 30.0
# An answer that says nothing was done, or none: people press again (docs/decisions.md).
NO_ANSWER = "AWS did not answer"
_ABOUT = re.compile(r"prefix=scans(?:/|%2F)([^/\s]+?)(?:/|%2F)([^/\s&]+?)(?:/|%2F)")


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
    judged: float = inf
    status: str | None = None
    decided: float = inf
    decision: dict[str, Any] = field(default_factory=dict)
    withdrawn: float = inf
    withdrawal: dict[str, Any] = field(default_factory=dict)
    until: float = inf
    asked: float = inf
    """When the first card with Approve and Reject was published."""

    @property
    def verdict(self) -> str:
        """What was decided; empty where nothing was."""
        return self.decision.get("verdict", "")

    @property
    def holds_until(self) -> float:
        """When an approval was over or withdrawn, whichever came first."""
        return min(self.until, self.withdrawn)

    def held(self, start: float, end: float, skew: float = 0.0) -> bool:
        """Whether it was approved, and neither withdrawn nor over, at some moment of these."""
        over = min(self.until + skew, self.withdrawn)
        return self.verdict == "approved" and self.decided <= end and over > start

    def settle(self) -> None:
        """Take from the documents what the rules go by."""
        if stored := self.files.get("verdict.json"):
            self.judged, self.status = stored.at, _of(stored).get("status")
        if stored := self.files.get("decision.json"):
            self.decided, self.decision = stored.at, _of(stored)
            if self.verdict == "approved":
                self.until = seconds(self.decision.get("until"))
        if stored := self.files.get("withdrawal.json"):
            self.withdrawn, self.withdrawal = stored.at, _of(stored)
        for card in self.cards:
            if kind(card) == "failed" and "Decide" in context(card):
                self.asked = min(self.asked, card.at)


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
        found = [each for each in self.later if each.uploaded < start and each.deleted > end]
        return found[-1] if found else None

    def replaced(self, start: float, end: float) -> bool:
        """Whether there was a newer version at some moment of these."""
        return any(each.uploaded <= end and each.deleted >= start for each in self.later)


class History:
    """All of a trace, by version and scan; made once, read by all rules."""

    def __init__(self, trace: Trace) -> None:
        self.settings, self.ended = trace.settings, trace.ended
        self.versions: dict[str, Version] = {}
        self.attempts: dict[str, Attempt] = {}
        self.strays: list[Event] = []
        """Cards, mails and objects about nothing that was uploaded."""
        self.clicks: list[Clicked] = []
        self.verified: list[Verified] = []
        self.runs: list[Run] = []
        self._keys: dict[str, list[Version]] = {}
        faults: list[Faulted] = []
        for event in trace.events:
            if isinstance(event, Faulted):
                faults.append(event)
            else:
                self._take(event)
        self.patience = Patience(faults)
        for version in self.versions.values():
            version.attempts.sort(key=lambda each: each.number)
            version.tags.sort(key=lambda each: each.at)
        for attempt in self.attempts.values():
            attempt.settle()

    def attempt(self, scan: object) -> Attempt | None:
        """The scan of this id, None where no upload has it."""
        if not isinstance(scan, str):
            return None
        if found := self.attempts.get(scan):
            return found
        identity, number = scan.partition("/")[2], 1
        version = self.versions.get(identity)
        if version is None:
            identity, _, again = identity.rpartition(".")
            version = self.versions.get(identity) if again.isdecimal() else None
            number = int(again) if version else 1
        if version is None or scan.partition("/")[0] != app(version.key):
            return None
        made = self.attempts[scan] = Attempt(scan, number, version)
        version.attempts.append(made)
        return made

    def _take(self, event: Event) -> None:
        match event:
            case Stored():
                self._store(event)
            case Published():
                self._about(context(event).get("Scan"), event, "cards")
            case Mailed():
                found = _ABOUT.search(event.text)
                self._about("/".join(found.groups()) if found else None, event, "mails")
            case Clicked():
                self.clicks.append(event)
                if attempt := self.attempt(_scan_of(event)):
                    attempt.clicks.append(event)
            case Tagged():
                if version := self.versions.get(event.version):
                    version.tags.append(event)
            case Uploaded():
                self._upload(event)
            case Deleted():
                self.versions[event.version].deleted = event.at
            case BuildStarted():
                self._about(event.scan, event, "builds")
            case ExecutionStarted():
                self._start(event)
            case ExecutionEnded():
                self._end(event)
            case Verified():
                self.verified.append(event)
            case _:
                raise TypeError(f"the model does not know {type(event).__name__}")

    def _about(self, scan: object, event: Event, where: str) -> None:
        if attempt := self.attempt(scan):
            getattr(attempt, where).append(event)
        else:
            self.strays.append(event)

    def _store(self, event: Stored) -> None:
        folder, _, rest = event.key.partition("/")
        if folder != "scans":
            return
        name = rest.split("/", 2)
        attempt = self.attempt("/".join(name[:2]))
        if attempt is None or len(name) < 3:
            self.strays.append(event)
        elif name[2] in attempt.files:
            attempt.rewritten.append(event)
        else:
            attempt.files[name[2]] = event

    def _upload(self, event: Uploaded) -> None:
        made = Version(event.key, event.version, event.at, event.gate)
        for before in self._keys.setdefault(event.key, []):
            before.later.append(made)
        self._keys[event.key].append(made)
        self.versions[event.version] = made

    def _start(self, event: ExecutionStarted) -> None:
        found = event.detail["detail"]["object"]
        again = event.detail.get("attempt", 1)
        scan = f"{app(found['key'])}/{found['version-id']}{f'.{again}' if again > 1 else ''}"
        if attempt := self.attempt(scan):
            run = Run(event.execution, attempt, event.at)
            attempt.runs.append(run)
            self.runs.append(run)
        else:
            self.strays.append(event)

    def _end(self, event: ExecutionEnded) -> None:
        for run in reversed(self.runs):
            if run.execution == event.execution and run.ended == inf:
                run.ended, run.status = event.at, event.status
                return


def app(key: str) -> str:
    """Whose code a key is: ``payments/api.zip`` and ``payments.zip`` are both of ``payments``."""
    return key.partition("/")[0].removesuffix(".zip")


def context(card: Published) -> dict[str, str]:
    """What the buttons of a card read."""
    return card.card.get("metadata", {}).get("additionalContext") or {}


KINDS = {"quality gate failed": "failed", "scan broken": "broken"}
_PLAIN = (
    # Cards that the state machine writes itself have no keywords; people know them by the title.
    (re.compile("could not go on|Pipeline error"), "trouble"),
    (re.compile(r": (\w+), but the email could not be sent"), "unsent"),
    (re.compile("still nobody has decided"), "escalated"),
)


def kind(card: Published) -> str:
    """``failed``, ``broken``, the event, ``unsent <event>``, ``trouble``; empty where unknown."""
    content = card.card["content"]
    if keywords := content.get("keywords"):
        return KINDS.get(str(keywords[0]), str(keywords[0]))
    for pattern, name in _PLAIN:
        if found := pattern.search(content["title"]):
            return f"unsent {found[1]}" if name == "unsent" else str(name)
    return ""


def verb(click: Clicked) -> str:
    """``approve``, ``reject``, ``withdraw`` or ``rescan``; empty where it cannot be told."""
    if click.function == "rescan":
        return "rescan"
    payload = click.payload if isinstance(click.payload, dict) else {}
    verbs = [each for each in ("approve", "reject", "withdraw") if each in payload]
    return verbs[0] if len(verbs) == 1 else ""


def flights(attempt: Attempt, verbs: tuple[str, ...], at: float) -> Iterator[Clicked]:
    """The clicks that were under way at the moment ``at``."""
    for click in attempt.clicks:
        end = click.at if answered(click) else max(click.at, click.began + CLICK)
        if click.began <= at <= end and verb(click) in verbs:
            yield click


def answered(click: Clicked) -> bool:
    """Whether the person was told that something was done."""
    return click.answer is not None and not click.answer.startswith(NO_ANSWER)


@lru_cache(maxsize=4096)
def _seconds(text: str) -> float:
    return (datetime.fromisoformat(text).astimezone(UTC) - EPOCH).total_seconds()


def seconds(text: object) -> float:
    """The moment of a document in virtual time; infinite where there is none."""
    return _seconds(text) if isinstance(text, str) else inf


@lru_cache(maxsize=4096)
def minute(at: float) -> str:
    """A moment as people read it: ``24 Dec 2026, 10:00 UTC``."""
    if at == inf:
        return "never"
    return f"{moment(at):%d %b %Y, %H:%M} UTC".lstrip("0")


@lru_cache(maxsize=4096)
def day(at: float) -> str:
    """A day as people read it: ``24 Dec 2026``."""
    if at == inf:
        return "never"
    return f"{moment(at):%d %b %Y}".lstrip("0")


def _of(stored: Stored) -> dict[str, Any]:
    return stored.document if isinstance(stored.document, dict) else {}


def _scan_of(click: Clicked) -> object:
    return click.payload.get("scan") if isinstance(click.payload, dict) else None
