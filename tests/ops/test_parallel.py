"""Many simultaneous requests: results in order, few requests ahead of the consumer."""

import itertools
import threading

import pytest

from ops import parallel
from ops.stack import CONCURRENT


def test_answers_come_in_the_order_of_the_items_however_long_each_takes():
    others = threading.Event()

    def ask(item):
        if item:
            others.set()
        else:
            assert others.wait(10)
        return item

    assert list(parallel.results(ask, range(500), "asked:")) == list(range(500))


def test_requests_are_sent_only_as_results_are_consumed():
    drawn = []
    items = (drawn.append(number) or number for number in itertools.count())
    answers = parallel.results(lambda item: item, items, "asked:")

    taken = [next(answers) for _ in range(3)]

    assert taken == [0, 1, 2]
    assert len(drawn) == 4 * CONCURRENT + 2


def test_a_failure_is_raised_where_its_answer_would_be():
    taken = []

    with pytest.raises(ZeroDivisionError):
        taken.extend(parallel.results(lambda item: 6 / item, [3, 2, 0, 1], "asked:"))

    assert taken == [2, 3]
