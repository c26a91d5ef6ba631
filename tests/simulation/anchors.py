"""Moments of a scenario to which actions are tied, as in ``card 0 1`` or ``approval end 0``.

An upload has its number, from 0; a scan of it that is another attempt has that behind it: ``0.2``.

======================== ==========================================================
``start``                the beginning
``upload 0``             its version is in the bucket
``execution 0``          an execution for it began
``stored 0 report.json`` this document was written
``card 0 1``             the first card about it was published
``mail 0 1``             the first mail about it was accepted
``waiting 0 1``          a task token was left for the first time
``tag 0 approved``       its tag was set
``click 2``, ``answer 2`` action number 2 reached its function, was answered
``escalation 0``         when nobody has decided (to come)
``request end 0``        when the request expires (to come)
``reminder 0``           when the reminder is due (to come)
``approval end 0``       when the approval ends (to come)
``over 0``               its execution ended
======================== ==========================================================
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tests.simulation import trace
from tests.simulation.scheduler import NotSimulated
from tests.simulation.trace import EPOCH, Event, Settings

_SCAN = r"\d+(\.\d+)?"
_KNOWN = re.compile(
    rf"start|never|upload \d+|(execution|over|escalation|request end|reminder|approval end) {_SCAN}"
    rf"|(card|mail|waiting) {_SCAN} \d+|stored {_SCAN} \S+\.json|tag \d+ \w+|(click|answer) \d+"
)


class Anchors:
    """Turns the events of a trace into moments, and calls whoever is tied to them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tied: dict[str, list[Callable[[float], None]]] = defaultdict(list)
        self._seen: Counter[str] = Counter()
        self._uploads: dict[tuple[str, str], int] = {}
        self._scans: dict[str, str] = {}
        self._executions: dict[str, str] = {}

    def tie(self, moment: str, call: Callable[[float], None]) -> None:
        """Have ``call`` called once with the time of ``moment``, as soon as that is known."""
        if not _KNOWN.fullmatch(moment):
            raise NotSimulated(f"no such moment: {moment}")
        self._tied[moment].append(call)

    def upload(self, number: int, app: str, key: str, version: str) -> None:
        """Upload ``number`` is this version."""
        self._uploads[key, version] = number
        for attempt in range(1, 6):
            more = f".{attempt}" if attempt > 1 else ""
            self._scans[f"{app}/{version}{more}"] = f"{number}{more}"

    def fire(self, moment: str, at: float) -> None:
        """The time of ``moment`` is known."""
        for call in self._tied.pop(moment, ()):
            call(at)

    def see(self, event: Event) -> None:
        """Fire what follows from an event."""
        for name, at in self._of(event):
            self.fire(name, at)

    def _of(self, event: Event) -> Iterator[tuple[str, float]]:
        at = event.at
        if isinstance(event, trace.Tagged):
            yield f"tag {self._uploads[event.key, event.version]} {event.status}", at
        elif isinstance(event, trace.Published):
            scan = event.card["metadata"].get("additionalContext", {}).get("Scan", "")
            yield from self._counted("card", scan, at)
        elif isinstance(event, trace.Mailed):
            scan = next((each for each in self._scans if f"/{each}/" in event.text), "")
            yield from self._counted("mail", scan, at)
        elif isinstance(event, trace.Stored):
            yield from self._stored(event)
        elif isinstance(event, trace.ExecutionStarted):
            found = event.detail["detail"]["object"]
            number = str(self._uploads[found["key"], found["version-id"]])
            if (attempt := event.detail.get("attempt", 1)) > 1:
                number += f".{attempt}"
            # A repeated event's execution ends at once, and is not the one.
            if number not in self._executions.values():
                self._executions[event.execution] = number
                yield f"execution {number}", at
        elif isinstance(event, trace.ExecutionEnded) and event.execution in self._executions:
            yield f"over {self._executions[event.execution]}", at

    def _counted(self, what: str, scan: str, at: float) -> Iterator[tuple[str, float]]:
        if scan in self._scans:
            name = f"{what} {self._scans[scan]}"
            self._seen[name] += 1
            yield f"{name} {self._seen[name]}", at

    def _stored(self, event: trace.Stored) -> Iterator[tuple[str, float]]:
        folder, _, rest = event.key.partition("/")
        if folder == "waiting":
            scan = rest.removesuffix(".json")
            yield from self._counted("waiting", scan, event.at)
            yield from self._ends(scan, event)
            return
        scan, _, name = rest.rpartition("/")
        if folder != "scans" or scan not in self._scans:
            return
        number = self._scans[scan]
        yield f"stored {number} {name}", event.at
        document = event.document
        if name == "decision.json" and (end := _end(document)):
            yield f"approval end {number}", end
            if self._settings.remind:
                yield f"reminder {number}", end - self._settings.remind

    def _ends(self, scan: str, event: trace.Stored) -> Iterator[tuple[str, float]]:
        if scan not in self._scans or "decision" not in event.document.values():
            return
        number, settings = self._scans[scan], self._settings
        is_first = self._seen[f"waiting {number}"] == 1
        escalates = 0 < settings.escalate < settings.decide
        if escalates and is_first:
            yield f"escalation {number}", event.at + settings.decide - settings.escalate
        else:
            yield (
                f"request end {number}",
                event.at + (settings.escalate if escalates else settings.decide),
            )


def _end(decision: dict[str, Any]) -> float | None:
    until = decision.get("until") or decision.get("expiresAt")
    return (datetime.fromisoformat(until) - EPOCH).total_seconds() if until else None
