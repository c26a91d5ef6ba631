"""The events of one simulated scenario, in the order of time.

Times are true ones, in seconds of virtual time since ``EPOCH``; the clocks of functions, and so
the timestamps in documents, may differ from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def timestamp(at: float) -> datetime:
    """The virtual time ``at`` as a date."""
    return EPOCH + timedelta(seconds=at)


@dataclass(frozen=True, kw_only=True)
class Event:
    """``at`` is when it took effect."""

    at: float


@dataclass(frozen=True, kw_only=True)
class Uploaded(Event):
    """A version was uploaded; ``gate`` is the result of its scan.

    ``gate`` is ``passed``, ``failed`` or ``error``; ``by`` is one of ``people.PEOPLE``, or empty.
    """

    key: str
    version: str
    gate: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Deleted(Event):
    """A version was deleted permanently."""

    key: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Stored(Event):
    """An object was written in the artifacts or the state bucket; ``bucket`` is its name.

    ``sha256`` is the hexadecimal SHA-256 of the stored bytes; empty if unknown.
    """

    bucket: str
    key: str
    document: Any
    by: str
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Tagged(Event):
    """The tag ``scan-status`` of a version was set; ``began`` is when the call was made."""

    key: str
    version: str
    status: str
    began: float


@dataclass(frozen=True, kw_only=True)
class Published(Event):
    """A card was published; ``composed`` is when its author began to read the state."""

    card: dict[str, Any]
    composed: float


@dataclass(frozen=True, kw_only=True)
class Mailed(Event):
    """An email was accepted; ``composed`` is when its author began to read the state."""

    to: Sequence[str]
    subject: str
    text: str
    composed: float


@dataclass(frozen=True, kw_only=True)
class Clicked(Event):
    """A person's click was answered at ``at``; ``began`` is when it reached the function.

    ``payload`` is as buttons send it, ``{scan, approve|reject|withdraw|extend: reason}``, or
    ``{scan}`` to scan again, with ``function`` ``approval`` or ``rescan``; ``by`` is one of
    ``people.PEOPLE``. ``answer`` is None if the function crashed or took longer than the 15 s that
    a person waits.
    """

    began: float
    function: str
    payload: dict[str, Any]
    answer: str | None
    by: str = "ada"


@dataclass(frozen=True, kw_only=True)
class BuildStarted(Event):
    """A build of ``scan`` started."""

    scan: str
    build: str


@dataclass(frozen=True, kw_only=True)
class BuildEnded(Event):
    """A build of ``scan`` ended; ``status`` is ``SUCCEEDED`` or ``FAILED``."""

    scan: str
    status: str


@dataclass(frozen=True, kw_only=True)
class ExecutionStarted(Event):
    """An execution started; ``detail`` is its input."""

    execution: str
    detail: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ExecutionEnded(Event):
    """``status`` is ``SUCCEEDED`` or ``FAILED``."""

    execution: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Verified(Event):
    """A run of ``ops verify --all``; ``findings`` are ``(scan, file, what is wrong)``."""

    began: float
    findings: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class FunctionFailed(Event):
    """A function raised, or logged, an exception that no refused or lost call explains.

    ``error`` is the exception, and the line that raised it.
    """

    function: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Faulted(Event):
    """A call met a fault, from ``at`` to ``until``.

    ``fault`` is ``before``, ``after``, ``error after``, ``throttled``, ``slow``, ``killed before``,
    ``killed after`` or ``outage`` (each call of ``caller`` or of a service fails until then).
    """

    until: float
    caller: str
    call: str
    fault: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The environment's settings, in seconds.

    ``approver_seconds`` is how long the state machine waits for the approver's name, 0 if
    ``recordApprover`` is off. ``failure_emails`` is whether an email says that a scan did not pass.
    ``covers``, ``self_approval`` and ``approvals`` are as ``approvalCovers``, ``selfApproval`` and
    ``approvals``.
    """

    decide: int
    escalate: int
    exception: int
    longest: int
    remind: int
    approver_seconds: int
    failure_emails: bool = False
    covers: str = "version"
    self_approval: str = "warn"
    approvals: int = 1


@dataclass
class Trace:
    """All events of one scenario; ``ended`` is the virtual time at which nothing was left to do.

    ``steps`` are the steps that executions took, each ``(state, error or nothing, next state)``;
    they show what a scenario covered, and are not evaluated. ``entered`` are the states that each
    execution entered, in order, by its ARN. ``is_current`` is whether the definition knows that an
    exception may cover a version, and that an app may pass again.
    """

    settings: Settings
    events: list[Event] = field(default_factory=list)
    ended: float = 0.0
    steps: set[tuple[str, str, str]] = field(default_factory=set)
    entered: dict[str, list[str]] = field(default_factory=dict)
    is_current: bool = True
