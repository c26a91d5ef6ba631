"""Many seeds on several cores, and the outcome of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any

from tests.simulation.aws import account, machine
from tests.simulation.generator import generate
from tests.simulation.model import Violation, check
from tests.simulation.scenario import run
from tests.simulation.shrink import shrink
from tests.simulation.trace import Faulted
from tests.simulation.without import FIXES

CHUNK = 25
Step = tuple[str, str, str]


@dataclass(frozen=True)
class Outcome:
    """Of one seed: its events by kind, the faults that calls met, and what was wrong.

    ``steps`` are those that its executions took, and all that they might have (trace.Trace).
    """

    seed: int
    events: Counter[str]
    faults: Counter[str]
    violations: list[Violation]
    steps: set[Step]
    possible: set[Step]


@dataclass
class Tally:
    """Of all seeds; ``violations`` are the seeds by kind."""

    scenarios: int = 0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: set[Step] = field(default_factory=set)
    possible: set[Step] = field(default_factory=set)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.scenarios += 1
        self.events += outcome.events
        self.faults += outcome.faults
        self.steps |= outcome.steps
        self.possible |= outcome.possible
        for kind in dict.fromkeys(violation.kind for violation in outcome.violations):
            self.violations[kind].append(outcome.seed)


def scenario(seed: int) -> dict[str, Any]:
    """Return the scenario of ``seed``: four of five with faults, half with the approver's name."""
    return generate(seed, faults=seed % 5 != 0, who=bool(seed // 5 % 2))


def evaluated(seed: int, without: str = "") -> Outcome:
    """Run the scenario of ``seed``.

    Perhaps without a fix (without.FIXES), and evaluate its trace.
    """
    trace = run(scenario(seed), without)
    return Outcome(
        seed=seed,
        events=Counter(type(event).__name__ for event in trace.events),
        faults=Counter(event.fault for event in trace.events if isinstance(event, Faulted)),
        violations=check(trace),
        steps=trace.steps,
        possible=machine.steps(account.pipeline(trace.settings, without)),
    )


def all_of(seeds: Iterable[int], without: str = "", processes: int = 1) -> Iterator[Outcome]:
    """Yield the outcomes in the order of the seeds; the rest is left out once nobody asks."""
    one = partial(evaluated, without=without)
    if processes == 1:
        yield from map(one, seeds)
        return
    # Not forked: a fork of a process with threads (rich's bar is one) may hang.
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(one, seeds, CHUNK)


def until_found(
    seeds: Iterable[int], without: str, processes: int = 1
) -> tuple[int | None, list[str]]:
    """Return the first seed that shows what a fix is about, and as which violations.

    None where no seed shows it: then the violations are all that there were.
    """
    others: set[str] = set()
    for outcome in all_of(seeds, without, processes):
        kinds = {violation.kind for violation in outcome.violations}
        if not kinds.isdisjoint(FIXES[without].kinds):
            return outcome.seed, sorted(kinds)
        others |= kinds
    return None, sorted(others)


def smallest(seed: int, kind: str, without: str = "") -> dict[str, Any]:
    """Return the scenario of ``seed``, made small while a violation of ``kind`` remains."""

    def fails(candidate: dict[str, Any]) -> bool:
        return any(violation.kind == kind for violation in check(run(candidate, without)))

    return shrink(scenario(seed), fails)
