"""Comparisons of ours with a baseline, measured alternately, and tables of them with limits."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Measured = TypeVar("Measured")
HEAD = (
    "", "ours: fastest", "median", "baseline: fastest", "median", "ratio: median", "limit",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Seconds of ours and of the baseline, measured alternately; ``limit`` is for the ratio."""

    name: str
    ours: Sequence[float]
    baseline: Sequence[float]
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The median of the turns' ratios: what slows a turn down slows both."""
        return statistics.median(
            ours / baseline for ours, baseline in zip(self.ours, self.baseline, strict=True)
        )


@dataclass
class Table:
    """``rows`` of cells below ``head``; ``exceeded`` has a line for each exceeded limit."""

    title: str
    head: Sequence[str] = HEAD
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exceeded: list[str] = field(default_factory=list)

    def add(self, *cells: str, exceeded: bool = False) -> None:
        """Add a row; if ``exceeded``, its last cell is the limit and the one before the value."""
        self.rows.append(cells)
        if exceeded:
            name, *values, limit = cells
            self.exceeded.append(f"{name}: {values[-1]} (limit {limit})")

    def compare(self, comparison: Comparison) -> None:
        """Add a row below ``HEAD``."""
        ours, baseline, limit = comparison.ours, comparison.baseline, comparison.limit
        self.add(
            comparison.name,
            seconds(min(ours)),
            seconds(statistics.median(ours)),
            seconds(min(baseline)),
            seconds(statistics.median(baseline)),
            f"{comparison.ratio:.2f}",
            "" if limit is None else f"{limit:.2f}",
            exceeded=limit is not None and comparison.ratio > limit,
        )

    def markdown(self) -> str:
        """The table with its notes, as a section of a page."""
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        rows = [f"| {' | '.join(cells)} |" for cells in (self.head, rule, *self.rows)]
        notes = [*self.notes, *(f"**Limit exceeded**: {line}." for line in self.exceeded)]
        return "\n\n".join([f"### {self.title}", "\n".join(rows), *notes]) + "\n"


def alternate(times: int, *measures: Callable[[], Measured]) -> list[list[Measured]]:
    """Call each of ``measures`` so many times, in turns; each turn starts with another one."""
    results: list[list[Measured]] = [[] for _ in measures]
    for turn in range(times):
        for position in range(len(measures)):
            index = (position + turn) % len(measures)
            results[index].append(measures[index]())
    return results


def seconds(value: float) -> str:
    """A duration such as ``3.2 ms``, ``812 ms`` or ``4.1 s``."""
    if value >= 1:
        return f"{value:.1f} s"
    return f"{value * 1000:.0f} ms" if value >= 0.02 else f"{value * 1000:.1f} ms"
