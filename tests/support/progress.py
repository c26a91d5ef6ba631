"""The progress of runs that take minutes."""

import sys

from rich.progress import Progress, TaskID

LINES = 20


def advance(progress: Progress, task: TaskID, description: str) -> None:
    """Advance the bar by one, or print about 20 lines in all where there is no terminal."""
    progress.update(task, advance=1, description=description)
    state = progress.tasks[task]
    completed, total = int(state.completed), int(state.total or 0)
    if not progress.console.is_terminal and completed % max(total // LINES, 1) == 0:
        print(f"{completed:,} of {total:,} ({description})", file=sys.stderr, flush=True)
