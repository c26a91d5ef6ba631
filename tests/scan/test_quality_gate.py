"""SonarQube's gate with conditions that the recorded answers do not have."""

from typing import Any

import pytest

from scan.sonarqube import quality_gate

COUNTS = {"BLOCKER": 1, "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0}


def condition(metric: str, status: str, **more: str) -> dict[str, str]:
    return {"metricKey": metric, "comparator": "GT", "status": status, **more}


@pytest.mark.parametrize(
    "conditions",
    [[], [condition("coverage", "NO_VALUE")], [condition("new_coverage", "NO_VALUE")]],
    ids=["none", "without a value", "on new code, without a value"],
)
def test_a_gate_without_a_value_to_evaluate_has_evaluated_nothing(conditions):
    assert (
        quality_gate.gate({"status": "OK", "conditions": conditions}, COUNTS, {"BLOCKER": 0})
        is None
    )


def test_what_has_no_value_is_no_condition_of_a_gate_that_evaluated():
    status: dict[str, Any] = {
        "status": "OK",
        "conditions": [
            condition("coverage", "NO_VALUE"),
            condition("ncloc", "OK", errorThreshold="100", actualValue="7"),
        ],
    }

    gate = quality_gate.gate(status, COUNTS, {"BLOCKER": 0})

    assert gate
    assert (gate.status, gate.judge) == ("passed", "sonarqube")
    [only] = gate.conditions
    assert (only.metric, only.comparator, only.threshold, only.actual, only.status) == (
        "ncloc",
        ">",
        "100",
        "7",
        "ok",
    )


def test_conditions_on_new_code_alone_are_evaluated_along_with_the_limits():
    status = {"status": "OK", "conditions": [condition("new_coverage", "OK")]}

    gate = quality_gate.gate(status, COUNTS, {"BLOCKER": 0})

    assert gate
    assert (gate.status, gate.judge) == ("failed", "limits")
    assert [(item.metric, item.status) for item in gate.conditions] == [
        ("new_coverage", "ok"),
        ("BLOCKER", "error"),
    ]
