"""The table has the worst outcome of a call with a fault, and its lifecycle."""

from unittest.mock import Mock

import pytest

from tests.faults import injection
from tests.faults.calls import APP, Call
from tests.faults.fault_run import CARD, SAME, TWICE, UNREPORTED, WRONG, FaultCase, Result, by_call
from tests.faults.injection import WHILE_SECONDS, Plan
from tests.faults.lifecycles import LIFECYCLES, Actor

CALL, OTHER = Call("scan", "PutObject report.json"), Call("scan", "GetObject the upload")


def table(*outcomes):
    """The cell of a call and fault whose cases had these outcomes, as ``(lifecycle, outcome)``."""
    results = [
        Result(FaultCase(lifecycle, CALL, "after"), Mock(spec=Actor), outcome)
        for lifecycle, outcome in outcomes
    ]
    return str(by_call(results)[CALL]["after"])


@pytest.mark.parametrize(
    ("outcomes", "cell"),
    [
        ([("passed", SAME)], "✔"),
        ([("passed", SAME), ("late", SAME)], "✔"),
        ([("passed", CARD), ("late", SAME)], "card"),
        ([("late", CARD), ("passed", SAME)], "card (late)"),
        ([("late", CARD), ("rejected", CARD), ("passed", SAME)], "card (rejected)"),
        ([("late", UNREPORTED), ("rejected", CARD), ("passed", TWICE)], "unreported (late)"),
        ([("passed", UNREPORTED), ("late", WRONG)], "WRONG (late)"),
    ],
)
def test_a_cell_is_the_worst_outcome_with_its_lifecycle_unless_it_is_the_first(outcomes, cell):
    assert table(*outcomes) == cell


@pytest.mark.parametrize(
    ("fault", "meets"),
    [
        ("before", [True, False, False]),
        ("a while", [True, True, False]),
        ("refused", [True, True, True]),
    ],
)
def test_a_fault_comes_once_or_lasts(monkeypatch, fault, meets):
    clock = [0.0]
    monkeypatch.setattr(injection.time, "monotonic", lambda: clock[0])
    plan, met = Plan(CALL, fault), []
    for seconds in (100, 100 + WHILE_SECONDS, 101 + WHILE_SECONDS):
        clock[0] = seconds
        assert not plan.meets(OTHER)
        met.append(plan.meets(CALL))

    assert met == meets
    assert plan.met == sum(meets)


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_the_app_of_each_lifecycle_is_found_in_a_request(lifecycle):
    app = f"{lifecycle}-0017"

    assert APP.findall(f"/gate-artifacts/scans/{app}/3Lg8/scan.json") == [app]
