"""Simultaneous calls overlap, keep their order, and have all ended at the return."""

import threading
import time
from functools import partial

import pytest

from handlers import parallel

SECONDS = 5


@pytest.fixture(autouse=True)
def calls_in_order():
    """Override the fixture of the other tests: here calls use real threads."""


def test_calls_overlap_and_keep_their_order():
    others = threading.Barrier(3, timeout=SECONDS)

    def wait_for_the_others(item):
        others.wait()
        return item

    assert parallel.map_all(wait_for_the_others, "abc") == ["a", "b", "c"]


def test_two_calls_overlap_and_return_what_each_returns():
    other = threading.Barrier(2, timeout=SECONDS)

    first, second = parallel.both(lambda: (other.wait(), "a")[1], lambda: (other.wait(), 2)[1])

    assert (first, second) == ("a", 2)


def test_more_calls_than_threads_are_made_too():
    assert parallel.map_all(partial(pow, 2), range(100)) == [2**number for number in range(100)]


def test_no_call_is_still_running_after_a_failure():
    failed, ended = threading.Event(), []

    def fail_first(item):
        if item == 0:
            failed.set()
            raise KeyError(item)
        assert failed.wait(SECONDS)
        time.sleep(0.05)  # time to return too early
        ended.append(item)

    with pytest.raises(KeyError, match="0"):
        parallel.map_all(fail_first, range(3))

    assert sorted(ended) == [1, 2]


def test_of_several_failures_the_first_in_order_is_raised():
    def fail(item):
        raise ValueError(item)

    with pytest.raises(ValueError, match="a"):
        parallel.map_all(fail, "ab")
