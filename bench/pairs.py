"""Two ways to the same end, measured in turns, and the tables that say what came of it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

Measure = Callable[[], float]
HEAD = ("", "ours: least", "median", "bare: least", "median", "ratio: least", "median", "at most")


@dataclass(frozen=True)
class Pair:
    """Seconds of ours and of the bare way, pair by pair; ``limit`` is for the median ratio."""

    name: str
    ours: Sequence[float]
    bare: Sequence[float]
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(o / b for o, b in zip(self.ours, self.bare, strict=True))

    @property
    def wrong(self) -> str | None:
        """What is above its limit, in words."""
        if self.limit is None or self.ratio <= self.limit:
            return None
        return f"{self.name}: {self.ratio:.2f}, at most {self.limit}"

    @property
    def cells(self) -> list[str]:
        """The row below ``HEAD``."""
        return [
            self.name,
            seconds(min(self.ours)),
            seconds(statistics.median(self.ours)),
            seconds(min(self.bare)),
            seconds(statistics.median(self.bare)),
            f"{min(self.ours) / min(self.bare):.2f}",
            f"{self.ratio:.2f}",
            "" if self.limit is None else f"{self.limit:.2f}",
        ]


@dataclass
class Section:
    """One table: ``rows`` of cells below ``head``; ``wrong`` has a line for each limit not met."""

    title: str
    head: Sequence[str] = HEAD
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, pair: Pair) -> None:
        """Add a row, and what is wrong with it."""
        self.rows.append(pair.cells)
        if pair.wrong:
            self.wrong.append(pair.wrong)

    def show(self, console: Console) -> None:
        """Print table, notes and what is wrong."""
        table = Table(title=self.title, title_justify="left", box=None)
        for position, column in enumerate(self.head):
            table.add_column(column, justify="right" if position else "left")
        for row in self.rows:
            table.add_row(*map(Text, row))
        console.print(table)
        for note in self.notes:
            console.print(Text(note, style="dim"))
        for line in self.wrong:
            console.print(Text(f"ABOVE ITS LIMIT: {line}", style="red"))
        console.print()

    def markdown(self) -> str:
        """The same for a page of the docs."""
        lines = [f"### {self.title}", "", _row(self.head)]
        lines.append(_row(["---", *["---:"] * (len(self.head) - 1)]))
        lines += [_row(row) for row in self.rows]
        lines += [f"\n{note}" for note in self.notes]
        lines += [f"\n**Above its limit**: {line}." for line in self.wrong]
        return "\n".join(lines) + "\n"


def in_turns(pairs: int, ours: Measure, bare: Measure) -> tuple[list[float], list[float]]:
    """Measure both so many times; what runs first in a pair is not always the same."""
    first: list[float] = []
    second: list[float] = []
    for number in range(pairs):
        order = [(ours, first), (bare, second)]
        for measure, into in order if number % 2 else reversed(order):
            into.append(measure())
    return first, second


def seconds(value: float) -> str:
    """As in ``3.2 ms``, ``812 ms``, ``4.1 s``."""
    if value >= 1:
        return f"{value:.1f} s"
    return f"{value * 1000:.0f} ms" if value >= 0.02 else f"{value * 1000:.1f} ms"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
