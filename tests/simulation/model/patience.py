"""How long what must follow may take, given the faults that calls met meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.simulation.trace import Faulted

# The tag follows the evidence within this time, in seconds (issue 15, "say 60 s").
FOLLOWS = 60.0
# Clocks of functions are wrong by so many seconds at most (issue 15, number 8).
SKEW = 3.0
# A retry after a single fault comes so many seconds later at most (components/states.py: 2 s, 4 s).
PAUSE = 10.0
# A task is tried so often (docs/faults.md, "refused": each time it is tried).
TRIES = 6


@dataclass
class Failing:
    """``who`` called ``call`` (of an outage: the service), and it failed each of ``times``.

    From ``start`` to ``end``, in seconds; nobody is named where it is an outage.
    """

    who: str
    call: str
    start: float
    end: float
    is_outage: bool
    times: int = 1

    @property
    def over(self) -> float:
        """When it has no effect any more: retries back off, for as long as it lasted.

        After ``n`` tries the next one waits for 2**n s at most, and an hour at the very most, where
        it is tried for days (components/states.py).
        """
        return self.end + max(PAUSE, self.end - self.start, min(3600, 2**self.times))


class Patience:
    """Deadlines: what follows takes 60 s, and longer only where calls failed in between.

    While a part of AWS is out, or one call fails each time that it is tried, nothing has to follow;
    retries back off, so as much time again may pass after it, and a pause at least.
    """

    def __init__(self, faults: Iterable[Faulted]) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.at)
        self._failing: list[Failing] = []
        last: dict[tuple[str, str], Failing] = {}
        for fault in self.faults:
            call = fault.who, fault.call
            before = last.get(call)
            if before and fault.at <= before.over and fault.fault != "outage":
                before.end, before.times = max(before.end, fault.until), before.times + 1
            else:
                is_outage = fault.fault == "outage"
                last[call] = Failing(*call, fault.at, fault.until, is_outage)
                self._failing.append(last[call])

    def deadline(self, since: float, seconds: float = FOLLOWS) -> float:
        """When what ``since`` must follow within ``seconds`` is too late."""
        end = since + seconds
        for failing in self._failing:
            if failing.start <= end and failing.over > since:
                end += failing.over - max(failing.start, since)
        return end

    def lost(self, at: float) -> float:
        """How much longer than usual takes what is to happen ``at`` a moment, in seconds."""
        return self.deadline(at) - at - FOLLOWS

    def before(self, at: float, seconds: float = FOLLOWS) -> float:
        """The earliest moment whose deadline is not before ``at``."""
        start = at - seconds
        for failing in reversed(self._failing):
            if failing.over >= start and failing.start <= at:
                start -= min(failing.over, at) - failing.start
        return start

    def any(self, start: float, end: float) -> bool:
        """Whether a call met a fault that still counted between the two moments."""
        return any(failing.start <= end and failing.over >= start for failing in self._failing)

    def refused(self, start: float, end: float, *calls: str, by: str | None = None) -> bool:
        """Whether a service was out, or one of its calls refused each time, between the two.

        ``calls`` are how the names of services and calls begin, as in ``sns`` or ``Publish``; any
        call of ``by`` counts, too.
        """
        return any(
            failing.start <= end
            and failing.over >= start
            and (failing.is_outage or failing.times >= TRIES)
            and (failing.call.startswith(calls) or failing.who == by)
            for failing in self._failing
        )
