"""Runs independent calls in parallel, so that together they take one round trip."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")

# Once for a container; threads start on demand. Fewer than a client has connections (10 by default:
# https://docs.aws.amazon.com/botocore/latest/reference/config.html, max_pool_connections).
_POOL = ThreadPoolExecutor(max_workers=8)


def map_all(call: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call ``call`` with each of ``items`` in parallel; return the results in their order.

    All calls have ended when it returns or raises, since Lambda freezes the container afterwards.
    Raises the error of the first item that failed. ``call`` must not use this function itself: the
    calls could wait forever for each other's threads.
    """
    futures = [_POOL.submit(call, item) for item in items]
    wait(futures)
    return [future.result() for future in futures]


def all_of(*calls: Callable[[], Any]) -> list[Any]:
    """Call all in parallel, and return their results; see ``map_all``."""
    return map_all(lambda call: call(), calls)


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Call both in parallel; see ``map_all``."""
    return cast("tuple[First, Second]", tuple(all_of(first, second)))
