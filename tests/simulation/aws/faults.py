"""What can go wrong with a call: it is slow, it fails, its caller dies."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.simulation.trace import Event, Faulted

# Who has a process of its own that can die; what calls for AWS itself is not ours to kill.
CAN_CRASH = {
    "approval", "notify", "callback", "check-build-status", "rescan", "scan", "open-scan", "who",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The ``n``-th call of ``who`` (from 1, in the whole scenario) meets ``fault``.

    So do the calls after it, until ``times`` have met it.

    With a ``call``, as in ``PutObject decision.json``, only calls that begin so are counted.
    """

    who: str
    n: int
    fault: str
    call: str = ""
    times: int = 1


@dataclass
class Outage:
    """Calls of ``service`` fail from ``since`` to ``until``; of S3 perhaps only one bucket's reads.

    ``what`` is a beginning of calls, as in ``GetObject``; empty for all.
    """

    service: str
    since: float
    until: float
    bucket: str = ""
    what: str = ""


@dataclass
class Faults:
    """Counts calls, and says which fault one meets."""

    plans: Sequence[Plan]
    random: Random
    events: list[Event]
    jitter: bool = True
    outages: list[Outage] = field(default_factory=list)
    _calls: Counter[int] = field(default_factory=Counter)

    def meet(self, who: str, service: str, call: str, bucket: str, now: float) -> Faulted | None:
        """Return the fault that this call meets, whose end is not known yet; None for none."""
        for outage in self.outages:
            if (
                outage.since <= now < outage.until
                and outage.service == service
                and outage.bucket in ("", bucket)
                and call.startswith(outage.what)
            ):
                return Faulted(at=now, until=now, who=who, call=call, fault="outage")
        met = ""
        for number, plan in enumerate(self.plans):
            if plan.who == who and call.startswith(plan.call):
                self._calls[number] += 1
                met = plan.fault if 0 <= self._calls[number] - plan.n < plan.times else met
        if met.startswith("killed") and who not in CAN_CRASH:
            met = "before" if met == "killed before" else "after"
        if not met:
            return None
        faulted = Faulted(at=now, until=now, who=who, call=call, fault=met)
        self.events.append(faulted)
        return faulted

    def latency(self) -> tuple[float, float]:
        """Seconds that a call takes before and after its effect: mostly little, seldom seconds."""
        if not self.jitter:
            return 0.02, 0.02
        draw = self.random.random
        whole = 0.01 + 0.07 * draw() * draw()
        chance = draw()
        if chance < 0.01:
            whole += 6 * draw()
        elif chance < 0.05:
            whole += 0.8 * draw()
        before = whole * draw()
        return before, whole - before


def ends(faulted: Faulted, at: float) -> None:
    """Say when anyone who called saw the end of the fault."""
    # It stands in the trace already, where it began.
    object.__setattr__(faulted, "until", at)
