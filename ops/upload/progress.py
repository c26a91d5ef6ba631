"""Shows how much of an upload is sent: a bar on a terminal, elsewhere a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ops import output

# A line is due after so much more of the whole, or so much time.
LINE_EVERY_SHARE, LINE_EVERY_SECONDS = 0.1, 10.0


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a function that takes how many bytes of ``total`` are sent."""
    console = output.err()
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        columns = (
            TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda sent: bar.update(task, completed=sent)
    else:
        yield _Lines(total).show


class _Lines:
    def __init__(self, total: int) -> None:
        self._total, self._printed, self._printed_at = total, 0, time.monotonic()

    def show(self, sent: int) -> None:
        now = time.monotonic()
        if (
            sent == self._total
            or sent >= self._printed + self._total * LINE_EVERY_SHARE
            or now >= self._printed_at + LINE_EVERY_SECONDS
        ):
            self._printed, self._printed_at = sent, now
            output.say(f"uploaded {sent / max(self._total, 1):.0%}", "dim")
