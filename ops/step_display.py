"""Shows the steps of a scan while it is followed: live on a terminal, else one line a step."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from domain import durations
from ops import output
from ops.steps import State, Step

MARKS = {
    State.done: ("✔", "green"),
    State.failed: ("✘", "red"),
    State.waiting: ("·", "dim"),
    State.unneeded: ("-", "dim"),
    State.running: ("…", ""),
}


class StepDisplay:
    """Prints on stderr; ``with`` ends the live display, and leaves its last state."""

    def __init__(self) -> None:
        console = output.err()
        self._spinner = Spinner("dots")
        self._live = Live(console=console) if console.is_terminal else None
        self._printed: set[tuple[str, bool]] = set()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, steps: Sequence[Step], has_ended: bool) -> None:
        """Show the steps as they are now; a line says also what is waited for."""
        if self._live:
            self._live.update(self._table(steps))
            return
        for step in steps:
            waits = step.state is State.running and step.note and not has_ended
            line = (step.name, step.is_over)
            if (step.is_over or waits) and line not in self._printed:
                self._printed.add(line)
                output.say(_line(step))

    def restart(self, why: str) -> None:
        """Show the steps of another scan from now on."""
        self._printed.clear()
        self.say(why)

    def say(self, text: str) -> None:
        """Print a sentence between the steps."""
        if self._live:
            self._live.console.print(output.cell(text, "yellow"), soft_wrap=True)
        else:
            output.say(text, "yellow")

    def _table(self, steps: Sequence[Step]) -> Table:
        table = Table.grid(padding=(0, 2))
        for step in steps:
            mark = self._spinner if step.state is State.running else Text(*MARKS[step.state])
            style = "dim" if step.state in (State.waiting, State.unneeded) else ""
            table.add_row(
                mark, Text(step.name, style=style), _time(step), output.cell(step.note, "dim")
            )
        return table


def _line(step: Step) -> str:
    mark, _ = MARKS[step.state]
    return f"{mark} {step.name:<8}  {_time(step):>9}  {step.note}".rstrip()


def _time(step: Step) -> str:
    return "" if step.seconds is None else durations.text(step.seconds)
