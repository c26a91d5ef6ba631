"""Each measured function does its work, and has a baseline with the same calls."""

from collections.abc import Iterator

import pytest

from bench import functions
from bench.account import QuietAccount

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def account() -> Iterator[QuietAccount]:
    with QuietAccount({"recordApprover": "true"}) as running:
        yield running


def test_every_function_is_measured(account):
    assert {case.module for case in functions.CASES} == account.deployed_functions().keys()


@pytest.mark.parametrize("case", functions.CASES, ids=lambda case: case.name)
def test_a_function_does_its_work_when_it_is_measured(account, case):
    measurement = functions.Measurement(account, case)

    methods = [call["method"] for call in measurement.calls]
    expected = {
        "gate failed": "put_object",
        "no report": "get_log_events",
        "approve": "send_task_success",
        "approved": "send_email",
        "a wait begins": "put_object",
        "a newer upload": "send_task_success",
        "an upload": "put_object",
        "a scan that failed to run": "start_execution",
        "one click": "put_object",
    }
    assert expected[case.situation] in methods
    for comparison in (measurement.cold(1), measurement.warm(1)):
        assert len(comparison.ours) == len(comparison.baseline) == 1
