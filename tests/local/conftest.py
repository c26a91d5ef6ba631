"""Accounts with the program deployed, shared by a module's tests."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from local.account import LocalAccount
from tests.support.account import replace_function


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    """A request can be decided for a minute, and an approval is valid for half an hour."""
    with LocalAccount({"decisionWindow": "1m", "exceptionPeriod": "30m"}) as running:
        yield running
        assert [str(denied) for denied in running.guard.denied] == []


@pytest.fixture(scope="module")
def short_deadline_account() -> Iterator[LocalAccount]:
    """Requests and approvals expire after seconds."""
    with LocalAccount({"decisionWindow": "10s", "exceptionPeriod": "5s"}) as running:
        yield running
        assert [str(denied) for denied in running.guard.denied] == []


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> Callable[[LocalAccount, str, Callable], None]:
    """Replace one function of the account for a test."""

    return partial(replace_function, monkeypatch)
