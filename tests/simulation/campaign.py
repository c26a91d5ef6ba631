"""Many seeds on all cores, and what came of them."""

import os
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
        for kind in dict.fromkeys(each.kind for each in outcome.violations):
            self.violations[kind].append(outcome.seed)


def scenario(seed: int) -> dict[str, Any]:
    """Return the scenario of ``seed``: four of five with faults, half with the approver's name."""
    return generate(seed, faults=seed % 5 != 0, who=bool(seed // 5 % 2))


def judged(seed: int, without: str = "") -> Outcome:
    """Run the scenario of ``seed``, perhaps without a fix (without.FIXES), and judge its trace."""
    trace = run(scenario(seed), without)
    return Outcome(
        seed=seed,
        events=Counter(type(each).__name__ for each in trace.events),
        faults=Counter(each.fault for each in trace.events if isinstance(each, Faulted)),
        violations=check(trace),
        steps=trace.steps,
        possible=machine.steps(account.pipeline(trace.settings, without)),
    )


def all_of(seeds: Iterable[int], without: str = "") -> Iterator[Outcome]:
    """Yield the outcome of each seed, as they come; the rest is left out once nobody asks."""
    # Not forked: a fork of a process with threads (rich's bar is one) may hang.
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(partial(judged, without=without), seeds, CHUNK)


def until_found(seeds: Iterable[int], without: str) -> tuple[int, list[str]]:
    """Return how many scenarios it took to see that a fix is missing, and as which violations."""
    looked = 0
    for outcome in all_of(seeds, without):
        looked += 1
        if outcome.violations:
            return looked, sorted({each.kind for each in outcome.violations})
    return looked, []


def smallest(seed: int, kind: str, without: str = "") -> dict[str, Any]:
    """Return the scenario of ``seed``, made small while a violation of ``kind`` remains."""

    def fails(candidate: dict[str, Any]) -> bool:
        return any(each.kind == kind for each in check(run(candidate, without)))

    return shrink(scenario(seed), fails)
