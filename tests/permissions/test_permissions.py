"""The policies of the program allow what its lifecycles call, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.permissions.engine import Engine
from tests.permissions import reasons
from tests.permissions.attacks import Attempt, attempts
from tests.permissions.mutations import unnoticed
from tests.permissions.recorded import Recorded, recorded
from tests.permissions.rights import rights, used
from tests.permissions.table import BEGIN, PAGE, written
from tests.support.policy_evaluator import needs_engine

pytestmark = [
    pytest.mark.slow,
    needs_engine,
]


@pytest.fixture(scope="module")
def account() -> Iterator[Recorded]:
    with recorded() as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@pytest.fixture(scope="module")
def tried(account: Recorded) -> list[Attempt]:
    return list(attempts(account))


@pytest.fixture(scope="module")
def mutated(account: Recorded, tried: list[Attempt], engine: Engine) -> Any:
    return unnoticed(account, tried, engine)


def test_no_call_of_the_pipeline_is_refused(account):
    assert account.denied == []
    assert len(account.calls) > 150


def test_a_right_that_no_call_uses_has_a_reason(account):
    left = {str(right) for right in rights(account.policies) if not used(right, account.calls)}

    assert {right for right in left if not reasons.of_right(right)} == set()


def test_no_reason_is_left_over(account, mutated):
    left = {str(right) for right in rights(account.policies) if not used(right, account.calls)}
    survivors = [item.what for item in mutated[1]]

    assert [why for why in reasons.UNUSED if not any(item.startswith(why) for item in left)] == []
    assert [why for why in reasons.UNNOTICED if not any(why in item for item in survivors)] == []


def test_each_attack_is_refused(tried, engine):
    decisions = engine.decide([attempt.request for attempt in tried])

    allowed = [
        attempt.attack
        for attempt, decision in zip(tried, decisions, strict=True)
        if decision.allowed
    ]
    assert allowed == []


def test_each_statement_and_condition_matters(mutated):
    count, survivors = mutated

    assert count > 120
    assert [str(item) for item in survivors if not reasons.of_mutation(item.what)] == []


def test_the_page_is_up_to_date(account, tried, mutated):
    """After an intended change: ``make permissions``."""
    _, _, generated = PAGE.read_text(encoding="utf-8").partition(BEGIN)

    assert BEGIN + generated == written(account, tried, *mutated)
