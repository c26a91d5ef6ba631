"""Independent calls at the same time: anyone who waits then waits for one round trip."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")

# Made once in a container, with threads as they are needed; fewer than a client has connections
# (https://docs.aws.amazon.com/botocore/latest/reference/config.html, max_pool_connections).
_POOL = ThreadPoolExecutor(max_workers=8)


def map_all(call: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call ``call`` with each of ``items`` at the same time; return the results in their order.

    All calls have ended when it returns or raises: nothing goes on in a container that Lambda has
    frozen. Raises what the first of them raised. ``call`` must not use this function itself: the
    calls would wait for threads that they hold.
    """
    futures = [_POOL.submit(call, item) for item in items]
    wait(futures)
    return [future.result() for future in futures]


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Call both at the same time; see ``map_all``."""
    calls: tuple[Callable[[], Any], ...] = (first, second)
    return cast("tuple[First, Second]", tuple(map_all(lambda call: call(), calls)))
