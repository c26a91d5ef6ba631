"""Runs many seeds on several cores, and counts their outcomes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any

from tests.simulation import generator, versions_generator
from tests.simulation.aws import account, machine
from tests.simulation.model import Violation, check
from tests.simulation.scenario import run
from tests.simulation.shrink import shrink
from tests.simulation.trace import Faulted, Stored, Trace
from tests.simulation.without import FIXES

CHUNK = 25
Step = tuple[str, str, str]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one seed: its events by kind, the faults that calls met, and the violations.

    ``steps`` are the steps that its executions took, and all that they could take (trace.Trace).
    ``covered`` are the settings and documents that it had, each counted once.
    """

    seed: int
    events: Counter[str]
    faults: Counter[str]
    violations: list[Violation]
    steps: set[Step]
    possible: set[Step]
    covered: Counter[str]


@dataclass
class Tally:
    """The totals of all seeds; ``violations`` are the seeds by kind of violation."""

    scenarios: int = 0
    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: set[Step] = field(default_factory=set)
    possible: set[Step] = field(default_factory=set)
    covered: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.scenarios += 1
        self.events += outcome.events
        self.faults += outcome.faults
        self.steps |= outcome.steps
        self.possible |= outcome.possible
        self.covered += outcome.covered
        for kind in dict.fromkeys(violation.kind for violation in outcome.violations):
            self.violations[kind].append(outcome.seed)


def scenario(seed: int) -> dict[str, Any]:
    """Return the scenario of ``seed``: four of five with faults, half with the approver's name.

    Half of them are about one app over several versions.
    """
    generate = versions_generator.generate if seed // 10 % 2 else generator.generate
    return generate(seed, faults=seed % 5 != 0, approver=bool(seed // 5 % 2))


def evaluated(seed: int, without: str = "") -> Outcome:
    """Run the scenario of ``seed`` and evaluate its trace.

    ``without`` names a fix that is removed (without.FIXES), if any.
    """
    trace = run(scenario(seed), without)
    return Outcome(
        seed=seed,
        events=Counter(type(event).__name__ for event in trace.events),
        faults=Counter(event.fault for event in trace.events if isinstance(event, Faulted)),
        violations=check(trace),
        steps=trace.steps,
        possible=machine.steps(account.pipeline(trace.settings, without)),
        covered=Counter(set(_covered(trace))),
    )


def _covered(trace: Trace) -> Iterator[str]:
    """The settings of a scenario, and the documents whose kinds matter with them."""
    settings = trace.settings
    yield f"approvalCovers {settings.covers}"
    yield f"selfApproval {settings.self_approval}"
    yield f"approvals {settings.approvals}"
    for event in trace.events:
        if not isinstance(event, Stored) or not event.key.startswith("scans/"):
            continue
        name, document = event.key.split("/", 3)[-1], event.document
        if name == "decision.json" and "restsOn" in document:
            yield "an approval that rests on another"
        elif name == "decision.json" and "approvals" in document:
            yield "an approval by two"
        elif name == "withdrawal.json" and "rule" in document:
            yield "an own approval taken back"
        elif name.startswith("extensions/"):
            yield "an extension"


def all_of(seeds: Iterable[int], without: str = "", processes: int = 1) -> Iterator[Outcome]:
    """Yield the outcomes in the order of the seeds; stop running them when the caller stops."""
    one = partial(evaluated, without=without)
    if processes == 1:
        yield from map(one, seeds)
        return
    # Not forked: a fork of a process with threads (rich's progress bar has one) may hang.
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(one, seeds, CHUNK)


def until_found(
    seeds: Iterable[int], without: str, processes: int = 1
) -> tuple[int | None, list[str]]:
    """Return the first seed that shows the bug without a fix, and its kinds of violations.

    The seed is None if none shows it; then these are all kinds of violations that occurred.
    """
    others: set[str] = set()
    for outcome in all_of(seeds, without, processes):
        kinds = {violation.kind for violation in outcome.violations}
        if not kinds.isdisjoint(FIXES[without].kinds):
            return outcome.seed, sorted(kinds)
        others |= kinds
    return None, sorted(others)


def smallest(seed: int, kind: str, without: str = "") -> dict[str, Any]:
    """Return the scenario of ``seed``, reduced while a violation of ``kind`` remains."""

    def fails(candidate: dict[str, Any]) -> bool:
        return any(violation.kind == kind for violation in check(run(candidate, without)))

    return shrink(scenario(seed), fails)
