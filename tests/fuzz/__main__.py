"""Unpacks random zips with every unzipper here, and looks for files that the ledger lacks.

Exits with 1 if an unzipper wrote a file that is not in the ledger, or an honest zip was refused.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.fuzz import unzippers
from tests.fuzz.comparing import Comparison, compare
from tests.fuzz.mutations import zip_of

BATCH = 250


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one zip: ``mutations`` are empty if it is honest."""

    seed: str
    mutations: str
    comparison: Comparison


def main() -> int:
    """Run the command described above."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="how many zips (20,000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other zips (1)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (2)")
    options = parser.parse_args()
    console = Console()
    with (
        tempfile.TemporaryDirectory() as folder,
        unzippers.installed(Path(folder)) as installed_unzippers,
    ):
        missing = [name for name in unzippers.NAMES if name not in installed_unzippers]
    console.print(
        f"Unzippers: {', '.join(installed_unzippers)}; not installed: "
        f"{', '.join(missing) or 'none'}"
    )
    started, results = time.monotonic(), []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console,
    ) as progress:  # fmt: skip
        task = progress.add_task("Unpacking zips", total=options.count)
        for batch in run(options.seed, options.count, options.jobs):
            results += batch
            progress.advance(task, len(batch))
            for result in batch:
                if problem := is_problem(result):
                    progress.console.print(f"{problem}: {result}", markup=False, soft_wrap=True)
    for table in (by_outcome(results), by_mutation(results)):
        console.print(table)
    bad = sum(1 for result in results if is_problem(result))
    written = sum(result.comparison.written for result in results)
    cut = sum(result.comparison.cut for result in results)
    console.print(
        f"{len(results):,} zips, {written:,} files written by others ({cut:,} cut, with an error), "
        f"{bad} zips with error, "
        f"{time.monotonic() - started:.0f} s"
    )
    return 1 if bad else 0


def run(seed: int, count: int, jobs: int) -> Iterator[list[Result]]:
    """The results of ``count`` zips, batch by batch."""
    starts = range(0, count, BATCH)
    if jobs == 1:
        yield from (batch(seed, start, min(start + BATCH, count)) for start in starts)
        return
    with ProcessPoolExecutor(jobs) as pool:
        ends = [min(start + BATCH, count) for start in starts]
        yield from pool.map(batch, [seed] * len(ends), starts, ends)


def batch(seed: int, first: int, last: int) -> list[Result]:
    """The results of the zips from ``first`` up to ``last``."""
    results = []
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_memory()) as folder:
        java, work = Path(folder, "java"), Path(folder, "work")
        java.mkdir()
        work.mkdir()
        with unzippers.installed(java) as installed_unzippers:
            for number in range(first, last):
                body, mutations = zip_of(f"{seed}-{number}")
                comparison = compare(body, work, installed_unzippers)
                results.append(
                    Result(seed=f"{seed}-{number}", mutations=mutations, comparison=comparison)
                )
    return results


def _memory() -> str | None:
    """A folder in memory, if there is one: thousands of small files are written."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def is_problem(result: Result) -> str:
    """The problem with a result, or empty."""
    if result.comparison.unseen:
        return "Unseen"
    return "Honest and refused" if result.comparison.refusal and not result.mutations else ""


def by_outcome(results: list[Result]) -> Table:
    """How many zips were accepted, or refused, by reason."""
    table = Table("outcome", "honest", "mutated", title="The outcome of the zips")
    counts = Counter((result.comparison.refusal, bool(result.mutations)) for result in results)
    for outcome in sorted({refusal for refusal, _ in counts}):
        table.add_row(
            outcome or "unpacked", f"{counts[outcome, False]:,}", f"{counts[outcome, True]:,}"
        )
    return table


def by_mutation(results: list[Result]) -> Table:
    """How many zips each mutation changed, and how many of those were accepted."""
    table = Table("mutation", "zips", "unpacked", "unseen", title="By mutation")
    made: Counter[str] = Counter()
    unpacked: Counter[str] = Counter()
    unseen: Counter[str] = Counter()
    for result in results:
        for name in set(result.mutations.split()):
            made[name] += 1
            unpacked[name] += not result.comparison.refusal
            unseen[name] += bool(result.comparison.unseen)
    for name in sorted(made):
        table.add_row(name, f"{made[name]:,}", f"{unpacked[name]:,}", f"{unseen[name]:,}")
    return table


if __name__ == "__main__":
    sys.exit(main())
