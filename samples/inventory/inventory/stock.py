"""Counts what is in stock."""

from collections import Counter
from collections.abc import Iterable


class OutOfStock(Exception):
    """Fewer items are in stock than were requested."""


class Stock:
    def __init__(self, items: Iterable[str] = ()) -> None:
        self._count = Counter(items)

    def add(self, item: str, quantity: int = 1) -> None:
        if quantity < 1:
            raise ValueError("add at least one")
        self._count[item] += quantity

    def take(self, item: str, quantity: int = 1) -> None:
        if self._count[item] < quantity:
            raise OutOfStock(f"{self._count[item]} of {item} left")
        self._count[item] -= quantity

    def left(self, item: str) -> int:
        return self._count[item]
