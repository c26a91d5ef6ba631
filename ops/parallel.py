"""Runs many small requests in parallel, with bounded memory and results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops import output
from ops.stack import CONCURRENT

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def results(ask: Callable[[Item], Answer], items: Iterable[Item], doing: str) -> Generator[Answer]:
    """Yield the answers in the order of ``items``; ``doing`` names the progress on stderr."""
    waiting: deque[Future[Answer]] = deque()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed}"),
        TimeElapsedColumn(),
    )
    console = output.err()
    with (
        Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress,
        ThreadPoolExecutor(CONCURRENT) as pool,
    ):
        task = progress.add_task(doing, total=None)
        try:
            for item in items:
                waiting.append(pool.submit(ask, item))
                if len(waiting) == 4 * CONCURRENT:
                    yield waiting.popleft().result()
                    progress.advance(task)
            while waiting:
                yield waiting.popleft().result()
                progress.advance(task)
        finally:
            for future in waiting:
                future.cancel()
