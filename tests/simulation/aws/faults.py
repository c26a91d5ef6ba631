"""What can go wrong with a call: it is slow, it fails, its caller crashes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.simulation.trace import Event, Faulted

# Callers that are processes of ours and can crash; AWS's own calls cannot be killed.
CAN_CRASH = {
    "approval", "notify", "callback", "check-build-status", "rescan", "scan", "open-scan",
    "approver-audit",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The ``n``-th call of ``caller`` (from 1, in the whole scenario) meets ``fault``.

    So do the next calls, until ``times`` calls have met it.

    With a ``call``, such as ``PutObject decision.json``, only calls with that prefix count.
    """

    caller: str
    n: int
    fault: str
    call: str = ""
    times: int = 1


@dataclass
class Outage:
    """Calls of ``service`` fail from ``since`` to ``until``; of S3 perhaps only one bucket's reads.

    ``what`` is a prefix of calls, such as ``GetObject``; empty for all.
    """

    service: str
    since: float
    until: float
    bucket: str = ""
    what: str = ""


@dataclass
class Faults:
    """Counts calls, and decides which fault a call meets."""

    plans: Sequence[Plan]
    random: Random
    events: list[Event]
    jitter: bool = True
    outages: list[Outage] = field(default_factory=list)
    _calls: Counter[int] = field(default_factory=Counter)

    def meet(self, caller: str, service: str, call: str, bucket: str, now: float) -> Faulted | None:
        """Return the fault that this call meets, with its end still unknown, or None."""
        for outage in self.outages:
            if (
                outage.since <= now < outage.until
                and outage.service == service
                and outage.bucket in ("", bucket)
                and call.startswith(outage.what)
            ):
                return Faulted(at=now, until=now, caller=caller, call=call, fault="outage")
        met = ""
        for number, plan in enumerate(self.plans):
            if plan.caller == caller and call.startswith(plan.call):
                self._calls[number] += 1
                met = plan.fault if 0 <= self._calls[number] - plan.n < plan.times else met
        if met.startswith("killed") and caller not in CAN_CRASH:
            met = "before" if met == "killed before" else "after"
        if not met:
            return None
        faulted = Faulted(at=now, until=now, caller=caller, call=call, fault=met)
        self.events.append(faulted)
        return faulted

    def latency(self) -> tuple[float, float]:
        """Seconds that a call takes before and after its effect: usually short, rarely seconds."""
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
    """Record when the caller saw the end of the fault."""
    # The trace already has it, at its beginning.
    object.__setattr__(faulted, "until", at)
