"""Which scan a command follows, and until when."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from domain import durations
from ops.errors import CommandError

TimeoutOption = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Give up after this time, for example 90s, 30m or 2h. The scan goes on.",
        show_default="1h, and as long as people may decide",
    ),
]
# The build's own time-out ends most scans earlier, and a build server is not kept for ever.
GATE_SECONDS = 3600


class WaitFor(StrEnum):
    """Until when a scan is followed: the result of its gate, or people's decision if it failed."""

    gate = "gate"
    decision = "decision"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The scan to follow; a further scan of the same version is followed instead of it.

    ``key`` is that of the upload, empty where only the scan's id is known. ``timeout`` is in
    seconds; None: ``GATE_SECONDS`` for the gate's result, and as long as people may decide.
    """

    scan: str
    key: str = ""
    wait_for: WaitFor = WaitFor.gate
    timeout: int | None = None

    def seconds(self, has_gate_result: bool) -> float:
        """How long the scan is followed at most."""
        if self.timeout is not None:
            return self.timeout
        return float("inf") if has_gate_result else GATE_SECONDS


def seconds(timeout: str | None) -> int | None:
    """Return ``--timeout`` in seconds.

    Raises:
        CommandError: it is no duration.
    """
    if timeout is None:
        return None
    parsed = durations.seconds(timeout)
    if not parsed:
        raise CommandError(f"{timeout!r} is no time", "for example --timeout 90s, 30m or 2h")
    return parsed
