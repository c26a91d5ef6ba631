"""Points in time that the actions of a scenario refer to, such as ``card 0 1``.

Uploads are numbered from 0; ``0.2`` is the second attempt at scanning upload 0.

======================== ==========================================================
``start``                the beginning
``upload 0``             its version is in the bucket
``execution 0``          an execution for it started
``stored 0 report.json`` this document was written
``card 0 1``             the first card about it was published
``mail 0 1``             the first email about it was accepted
``waiting 0 1``          a task token was stored for the first time
``tag 0 approved``       its tag was set
``click 2``, ``answer 2`` action number 2 reached its function, got a response
``escalation 0``         when the request escalates (known in advance)
``request end 0``        when the request expires (known in advance)
``reminder 0``           when the reminder is due (known in advance)
``approval end 0``       when the approval expires (known in advance)
``extended end 0``       when it expires after its last extension so far (known in advance)
``over 0``               its execution ended
======================== ==========================================================
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from tests.simulation import trace
from tests.simulation.aws.scheduler import NotSimulated
from tests.simulation.trace import EPOCH, Event, Settings

_SCAN = r"\d+(\.\d+)?"
_KNOWN = re.compile(
    r"start|never|upload \d+"
    rf"|(execution|over|escalation|request end|reminder|approval end|extended end) {_SCAN}"
    rf"|(card|mail|waiting) {_SCAN} \d+|stored {_SCAN} \S+\.json|tag \d+ \w+|(click|answer) \d+"
)


class Anchors:
    """Derives points in time from the events of a trace, and makes the calls that wait for them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tied: dict[str, list[Callable[[float], None]]] = defaultdict(list)
        self._seen: Counter[str] = Counter()
        self._uploads: dict[tuple[str, str], int] = {}
        self._versions: dict[str, int] = {}
        self._apps: dict[str, str] = {}
        self._executions: dict[str, str] = {}

    def tie(self, timestamp: str, call: Callable[[float], None]) -> None:
        """Call ``call`` once with the time of ``timestamp``, as soon as that is known."""
        if not _KNOWN.fullmatch(timestamp):
            raise NotSimulated(f"no such moment: {timestamp}")
        self._tied[timestamp].append(call)

    def upload(self, number: int, key: str, version: str) -> None:
        """Upload ``number`` is this version."""
        self._uploads[key, version] = number
        self._versions[version] = number

    def app(self, number: int) -> str | None:
        """The app of an upload as its scan names it; None before it has a scan."""
        return self._apps.get(str(number))

    def fire(self, timestamp: str, at: float) -> None:
        """The time of ``timestamp`` is known."""
        for call in self._tied.pop(timestamp, ()):
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
            version = next((item for item in self._versions if f"/{item}" in event.text), "")
            # The attempt, if any, follows the version in the folder's name.
            match = re.search(rf"/({version}(\.\d+)?)/", event.text)
            yield from self._counted("mail", f"app/{match[1]}" if match else "", at)
        elif isinstance(event, trace.Stored):
            yield from self._stored(event)
        elif isinstance(event, trace.ExecutionStarted):
            uploaded = event.detail["detail"]["object"]
            number = str(self._uploads[uploaded["key"], uploaded["version-id"]])
            if (attempt := event.detail.get("attempt", 1)) > 1:
                number += f".{attempt}"
            # The execution of a duplicate event ends at once, and does not count.
            if number not in self._executions.values():
                self._executions[event.execution] = number
                yield f"execution {number}", at
        elif isinstance(event, trace.ExecutionEnded) and event.execution in self._executions:
            yield f"over {self._executions[event.execution]}", at

    def _counted(self, what: str, scan: str, at: float) -> Iterator[tuple[str, float]]:
        if number := self._number(scan):
            name = f"{what} {number}"
            self._seen[name] += 1
            yield f"{name} {self._seen[name]}", at

    def _number(self, scan: str) -> str | None:
        """Such as ``0`` or ``0.2``; None if it is no scan of this scenario."""
        version, dot, attempt = scan.partition("/")[2].partition(".")
        result = self._versions.get(version)
        return None if result is None else f"{result}{dot}{attempt}"

    def _stored(self, event: trace.Stored) -> Iterator[tuple[str, float]]:
        folder, _, rest = event.key.partition("/")
        if folder == "waiting":
            scan = rest.removesuffix(".json")
            yield from self._counted("waiting", scan, event.at)
            yield from self._ends(scan, event)
            return
        scan, name = "/".join(rest.split("/")[:2]), "/".join(rest.split("/")[2:])
        number = self._number(scan)
        if folder != "scans" or number is None:
            return
        self._apps.setdefault(number, scan.partition("/")[0])
        yield f"stored {number} {name}", event.at
        document = event.document
        if name.startswith("extensions/") and (end := _end(document)):
            yield f"extended end {number}", end
        if name == "decision.json" and (end := _end(document)):
            yield f"approval end {number}", end
            if self._settings.remind:
                yield f"reminder {number}", end - self._settings.remind

    def _ends(self, scan: str, event: trace.Stored) -> Iterator[tuple[str, float]]:
        number, settings = self._number(scan), self._settings
        if number is None or "decision" not in event.document.values():
            return
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
    until = decision.get("expiresAt")
    return (datetime.fromisoformat(until) - EPOCH).total_seconds() if until else None
