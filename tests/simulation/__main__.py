"""Runs scenarios through the real handlers and the real state machine (make simulate)."""

import argparse
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation import campaign, formatting
from tests.simulation.model import check
from tests.simulation.scenario import run
from tests.simulation.without import FIXES
from tests.support.progress import advance

COUNT = 25_000
TABLE_COUNT = 6_000
KEPT = Path(__file__).parent / "kept"
SEEDS_SHOWN = 8
SHRUNK = 3


def main() -> int:
    """Return 1 if a rule was broken or, with --table, no scenario misses a removed fix."""
    requested = _asked()
    if requested.seed is not None:
        return _one(campaign.scenario(requested.seed), requested)
    if requested.scenario:
        document = json.loads(requested.scenario.read_text())
        return _one(document.get("scenario", document), requested)
    count = requested.count or (TABLE_COUNT if requested.table else COUNT)
    seeds = range(requested.first, requested.first + count)
    return _table(seeds, requested.processes) if requested.table else _many(seeds, requested)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--count",
        type=int,
        help=f"how many scenarios: {COUNT:,}, or at most {TABLE_COUNT:,} for each fix of --table",
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run one scenario and print its events")
    parser.add_argument("--scenario", type=Path, help="run one from a file, such as those in kept/")
    parser.add_argument("--without", default="", choices=FIXES, help="remove a fix", metavar="FIX")
    parser.add_argument(
        "--table",
        action="store_true",
        help="remove each fix in turn, until a scenario shows that it is missing, and print the "
        "table in Markdown; takes minutes, or an hour if one is not found",
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="how many at once: one per core"
    )
    parser.add_argument("--json", action="store_true", help="also print the scenario")
    return parser.parse_args()


def _one(scenario: dict[str, object], requested: argparse.Namespace) -> int:
    if requested.json:
        print(json.dumps(scenario, indent=1))
    trace = run(scenario, requested.without)
    print(*formatting.lines(trace), sep="\n")
    violations = check(trace)
    for violation in violations:
        print(f"VIOLATION {violation.kind} at {violation.at:.1f} s: {violation.what}")
    return 1 if violations else 0


def _table(seeds: range, processes: int) -> int:
    """Remove each fix in turn; return 1 if no seed shows that one of them is missing."""
    stored = _kept()
    missed = 0
    print("| number | fix | taken out: | seeds until found | as | kept |")
    print("|---|---|---|---|---|---|")
    for name, fix in FIXES.items():
        seed, kinds = campaign.until_found(seeds, name, processes)
        missed += seed is None
        result = f"not in {len(seeds):,}" if seed is None else f"{seed - seeds.start + 1:,}"
        cells = (fix.number, name, fix.how, result, ", ".join(kinds), ", ".join(stored[name]))
        print("|", " | ".join(map(str, cells)), "|", flush=True)
    return 1 if missed else 0


def _kept() -> dict[str, list[str]]:
    """Return the scenarios in kept/ by the fix that each of them tests."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in sorted(KEPT.glob("*.json")):
        named[json.loads(path.read_text()).get("fix", "")].append(path.stem)
    return named


def _many(seeds: range, requested: argparse.Namespace) -> int:
    without = requested.without
    console = Console()
    tally = campaign.Tally()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("simulating", total=len(seeds))
        for outcome in campaign.all_of(seeds, without, requested.processes):
            tally.add(outcome)
            wrong = sum(map(len, tally.violations.values()))
            advance(progress, task, f"simulating, {wrong} violations")
    _show(console, tally)
    for kind in sorted(tally.violations, key=lambda kind: -len(tally.violations[kind]))[:SHRUNK]:
        seed = min(tally.violations[kind])
        console.print(f"\nThe smallest that shows “{kind}”, from seed {seed} (for kept/):")
        document = {
            "violation": kind,
            "seed": seed,
            "scenario": campaign.smallest(seed, kind, without),
        }
        print(json.dumps(document))
    return 1 if tally.violations else 0


def _show(console: Console, tally: campaign.Tally) -> None:
    console.print(f"{tally.scenarios:,} scenarios")
    for title, counts in (
        ("events", tally.events),
        ("faults that calls met", tally.faults),
        ("scenarios with", tally.covered),
    ):
        notified = ", ".join(f"{element} {number:,}" for element, number in sorted(counts.items()))
        console.print(f"{title}: {notified}")
    missed = sorted(tally.possible - tally.steps)
    console.print(f"steps of the state machine taken: {len(tally.steps)} of {len(tally.possible)}")
    for state, error, following in missed:
        console.print(f"  never: {state} -> {following}{f', caught {error}' if error else ''}")
    if not tally.violations:
        console.print("no violation", style="green")
        return
    table = Table("violation", "scenarios", "seeds")
    for kind, all_violations in sorted(tally.violations.items(), key=lambda item: -len(item[1])):
        first = " ".join(map(str, sorted(all_violations)[:SEEDS_SHOWN]))
        table.add_row(kind, str(len(all_violations)), first)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
