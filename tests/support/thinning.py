"""Test parameters: ``make test`` uses a few, ``make test-all`` all of them."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def few(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """``values`` as parameters of a test; those that are not in ``quick`` are marked ``slow``."""
    values = list(values)
    assert all(item in values for item in quick), f"{quick} are not all in {values}"
    return [
        value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values
    ]


def first(values: Iterable[tuple[Any, ...]], number: int) -> list[Any]:
    """Tuples of parameters of a test; all but the first ``number`` are marked ``slow``."""
    return [
        value if at < number else pytest.param(*value, marks=pytest.mark.slow)
        for at, value in enumerate(values)
    ]
