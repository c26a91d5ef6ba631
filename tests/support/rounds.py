"""Counts how often a function waits for AWS; simultaneous calls count once."""

from collections.abc import Callable, Iterable
from typing import Any


class Rounds:
    """A clock on which each call takes one unit: ``made`` is the longest chain of calls so far.

    ``call`` must be invoked for each call, and ``map_all`` replaces ``handlers.parallel.map_all``.
    No thread is needed, so the number is the same on a busy machine.
    """

    def __init__(self) -> None:
        self.made = 0

    def call(self, operation: str) -> None:
        self.made += 1

    def map_all(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        begun, longest, results = self.made, self.made, []
        for item in items:
            self.made = begun
            results.append(call(item))
            longest = max(longest, self.made)
        self.made = longest
        return results
