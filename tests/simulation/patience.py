"""How long what must follow may take, given the faults that calls met meanwhile."""

from collections.abc import Iterable

from tests.simulation.trace import Faulted

# The tag follows the evidence within this time, in seconds (issue 15, "say 60 s").
FOLLOWS = 60.0
# Clocks of functions are wrong by so many seconds at most (issue 15, number 8).
SKEW = 3.0
# A retry after a single fault comes so many seconds later at most (components/states.py: 2 s, 4 s).
PAUSE = 10.0


class Patience:
    """Deadlines: what follows takes 60 s, and longer only where calls failed in between.

    While a part of AWS is out, nothing has to follow; retries back off, so as much time again may
    pass after it. A single fault costs its own time and a pause.
    """

    def __init__(self, faults: Iterable[Faulted]) -> None:
        found = sorted(faults, key=lambda fault: fault.at)
        self.faults = found
        self._spans = [
            (each.at, each.until + (each.until - each.at if each.fault == "outage" else PAUSE))
            for each in found
        ]

    def deadline(self, since: float, seconds: float = FOLLOWS) -> float:
        """When what ``since`` must follow within ``seconds`` is too late."""
        end = since + seconds
        for start, over in self._spans:
            if start <= end and over > since:
                end += over - max(start, since)
        return end

    def before(self, at: float, seconds: float = FOLLOWS) -> float:
        """The earliest moment whose deadline is not before ``at``."""
        start = at - seconds
        for since, over in reversed(self._spans):
            if over >= start and since <= at:
                start -= min(over, at) - since
        return start

    def any(self, start: float, end: float) -> bool:
        """Whether a call met a fault that still counted between the two moments."""
        return any(since <= end and over >= start for since, over in self._spans)

    def outage(self, start: float, end: float, *services: str) -> bool:
        """Whether one of ``services`` was out at some time between the two moments."""
        return any(
            since <= end
            and over >= start
            and fault.fault == "outage"
            and any(each in f"{fault.who} {fault.call}".lower() for each in services)
            for fault, (since, over) in zip(self.faults, self._spans, strict=True)
        )
