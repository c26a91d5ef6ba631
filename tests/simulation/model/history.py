"""A trace by subject instead of time: versions, their scans, and messages about them."""

import re
from math import inf

from tests.simulation.model.patience import Patience
from tests.simulation.model.subjects import Attempt, Run, Version
from tests.simulation.model.wording import context
from tests.simulation.trace import (
    BuildEnded,
    BuildStarted,
    Clicked,
    Deleted,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Faulted,
    FunctionFailed,
    Mailed,
    Published,
    Stored,
    Tagged,
    Trace,
    Uploaded,
    Verified,
)

_ABOUT = re.compile(r"prefix=scans(?:/|%2F)([^/\s]+?)(?:/|%2F)([^/\s&]+?)(?:/|%2F)")
_APP = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class History:
    """A trace by version and scan; built once, read by all rules."""

    def __init__(self, trace: Trace) -> None:
        self.settings, self.ended = trace.settings, trace.ended
        self.is_current = trace.is_current
        self.versions: dict[str, Version] = {}
        self.attempts: dict[str, Attempt] = {}
        self.strays: list[Event] = []
        """Cards, mails and objects about nothing that was uploaded."""
        self.clicks: list[Clicked] = []
        self.verified: list[Verified] = []
        self.function_failures: list[FunctionFailed] = []
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
            version.attempts.sort(key=lambda item: item.number)
            version.tags.sort(key=lambda tag: tag.at)
        for attempt in self.attempts.values():
            attempt.settle()
        for attempt in list(self.attempts.values()):
            rests_on = attempt.decision.get("restsOn") or {}
            root = self.attempt(rests_on.get("scan"))
            if root and not root.decision.get("restsOn"):
                attempt.rest(root)

    def attempt(self, scan: object) -> Attempt | None:
        """The scan with this id, None if no upload has it."""
        if not isinstance(scan, str):
            return None
        if result := self.attempts.get(scan):
            return result
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

    def opened(self, attempt: Attempt) -> float:
        """When people were asked for a decision, or could have been."""
        return (
            attempt.evaluated
            if attempt.requested == inf
            else max(attempt.evaluated, attempt.requested)
        )

    def expires(self, attempt: Attempt) -> float:
        """When a request expires at the latest: its time counts from the gate result.

        If the function's response is lost, it is invoked again, and the time counts from then.
        """
        return attempt.evaluated + self.settings.decide + self.patience.lost(attempt.evaluated)

    def escalated(self, attempt: Attempt) -> float:
        """When the request escalates; infinite if never."""
        settings = self.settings
        if not 0 < settings.escalate < settings.decide or attempt.requested == inf:
            return inf
        return self.expires(attempt) - settings.escalate

    def _take(self, event: Event) -> None:
        match event:
            case Stored():
                self._store(event)
            case Published():
                self._about(context(event).get("Scan"), event, "cards")
            case Mailed():
                match = _ABOUT.search(event.text)
                self._about("/".join(match.groups()) if match else None, event, "mails")
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
            case BuildEnded():
                if attempt := self.attempt(event.scan):
                    attempt.build, attempt.built = event.status, event.at
            case ExecutionStarted():
                self._start(event)
            case ExecutionEnded():
                self._end(event)
            case Verified():
                self.verified.append(event)
            case FunctionFailed():
                self.function_failures.append(event)
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
        made = Version(event.key, event.version, event.at, event.gate, app(event.key), event.by)
        for before in self._keys.setdefault(event.key, []):
            before.later.append(made)
        self._keys[event.key].append(made)
        self.versions[event.version] = made

    def _start(self, event: ExecutionStarted) -> None:
        result = event.detail["detail"]["object"]
        again = event.detail.get("attempt", 1)
        scan = f"{app(result['key'])}/{result['version-id']}{f'.{again}' if again > 1 else ''}"
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
    """The app of a key: ``payments/api.zip`` and ``payments.zip`` both belong to ``payments``.

    A key whose first part cannot be an app's name belongs to ``invalid-key``.
    """
    name = key.partition("/")[0].removesuffix(".zip")
    return name if _APP.fullmatch(name) else "invalid-key"


def _scan_of(click: Clicked) -> object:
    return click.payload.get("scan") if isinstance(click.payload, dict) else None
