"""How long a consequence may take, given the faults that calls met meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.simulation.trace import Faulted

# The tag follows the evidence within this time, in seconds (docs/simulation.md, "What must hold").
FOLLOWS = 60.0
# The maximum error of a function's clock, in seconds (docs/simulation.md).
SKEW = 3.0
# The maximum delay of a retry after a single fault (components/states.py: 2 s, 4 s), in seconds.
PAUSE = 10.0
# The number of attempts at a task (docs/faults.md, "refused": every attempt is refused).
TRIES = 6


@dataclass
class Failing:
    """A call that failed ``times`` times in a row, from ``start`` to ``end``, in seconds.

    ``caller`` called ``call``; for an outage that is the service, and ``caller`` is empty.
    """

    caller: str
    call: str
    start: float
    end: float
    is_outage: bool
    times: int = 1

    @property
    def over(self) -> float:
        """When it has no effect any more: backed-off retries may take as long as it lasted.

        After ``n`` attempts the next one waits at most 2**n s, and never more than an hour
        (components/states.py).
        """
        return self.end + max(PAUSE, self.end - self.start, min(3600, 2**self.times))


class Patience:
    """Deadlines: a consequence takes 60 s, and longer only if calls failed in between.

    While a part of AWS is out, or a call fails on every attempt, nothing has to happen; since
    retries back off, as much time again may pass afterwards, and at least ``PAUSE``.
    """

    def __init__(self, faults: Iterable[Faulted]) -> None:
        self.faults = sorted(faults, key=lambda fault: fault.at)
        self._failing: list[Failing] = []
        last: dict[tuple[str, str], Failing] = {}
        for fault in self.faults:
            call = fault.caller, fault.call
            before = last.get(call)
            if before and fault.at <= before.over and fault.fault != "outage":
                before.end, before.times = max(before.end, fault.until), before.times + 1
            else:
                is_outage = fault.fault == "outage"
                last[call] = Failing(*call, fault.at, fault.until, is_outage)
                self._failing.append(last[call])

    def deadline(self, since: float, seconds: float = FOLLOWS) -> float:
        """The deadline of a consequence that is due within ``seconds`` of ``since``."""
        end = since + seconds
        for failing in self._failing:
            if failing.start <= end and failing.over > since:
                end += failing.over - max(failing.start, since)
        return end

    def lost(self, at: float) -> float:
        """How much longer than usual a consequence of an event ``at`` this time may take."""
        return self.deadline(at) - at - FOLLOWS

    def before(self, at: float, seconds: float = FOLLOWS) -> float:
        """The earliest time whose deadline is not before ``at``."""
        start = at - seconds
        for failing in reversed(self._failing):
            if failing.over >= start and failing.start <= at:
                start -= min(failing.over, at) - failing.start
        return start

    def any(self, start: float, end: float) -> bool:
        """Whether a fault still had an effect between the two times."""
        return any(failing.start <= end and failing.over >= start for failing in self._failing)

    def refused(self, start: float, end: float, *calls: str, by: str | None = None) -> bool:
        """Whether a service was out, or every attempt at a call failed, between the two times.

        ``calls`` are prefixes of services and calls, such as ``sns`` or ``Publish``; any
        call of ``by`` counts, too.
        """
        return any(
            failing.start <= end
            and failing.over >= start
            and (failing.is_outage or failing.times >= TRIES)
            and (failing.call.startswith(calls) or failing.caller == by)
            for failing in self._failing
        )
