"""One answer to a click, and the state of its scan at the time."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.simulation.model.history import History
from tests.simulation.model.subjects import Attempt
from tests.simulation.model.wording import minute
from tests.simulation.trace import Clicked


class Answer:
    """One answered click, and the scan that it was about."""

    def __init__(self, history: History, click: Clicked, attempt: Attempt | None) -> None:
        self.history, self.click = history, click
        self.start, self.end = click.began, click.at
        self.known = attempt
        self.payload: Any = click.payload

    @property
    def attempt(self) -> Attempt:
        """The scan, or an empty attempt if it is unknown."""
        return self.known or _NOTHING

    def so(self, timestamp: float) -> bool:
        """Whether something that happened at ``timestamp`` precedes the answer."""
        return timestamp <= self.end

    def names(self, answer: str, timestamp: float) -> Iterator[str]:
        if answer != minute(timestamp):
            yield f"it says {answer}, not {minute(timestamp)}"

    def names_one(self, answer: str, timestamps: Iterable[float]) -> Iterator[str]:
        """It names one of the times."""
        minutes = sorted(map(minute, timestamps))
        if answer not in minutes:
            yield f"it says {answer}, not {' or '.join(minutes)}"


_NOTHING: Any = Attempt("", 1, None)  # type: ignore[arg-type]


def state(attempt: Attempt) -> Iterator[str]:
    yield (
        f"evaluated {attempt.status}, {attempt.outcome or 'not decided'} at {attempt.decided:.1f}, "
        f"withdrawn {attempt.withdrawn:.1f}, over {attempt.until:.1f}"
    )
