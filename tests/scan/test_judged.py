"""What SonarQube's gate says of conditions that the recorded answers don't have."""

from typing import Any

import pytest

from scan.sonarqube import judged

COUNTS = {"BLOCKER": 1, "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0}


def condition(metric: str, status: str, **more: str) -> dict[str, str]:
    return {"metricKey": metric, "comparator": "GT", "status": status, **more}


@pytest.mark.parametrize(
    "conditions",
    [[], [condition("coverage", "NO_VALUE")], [condition("new_coverage", "NO_VALUE")]],
    ids=["none", "without a value", "on new code, without a value"],
)
def test_a_gate_without_a_value_to_judge_has_judged_nothing(conditions):
    assert judged.gate({"status": "OK", "conditions": conditions}, COUNTS, {"BLOCKER": 0}) is None


def test_what_has_no_value_is_no_condition_of_a_gate_that_judged():
    status: dict[str, Any] = {
        "status": "OK",
        "conditions": [
            condition("coverage", "NO_VALUE"),
            condition("ncloc", "OK", errorThreshold="100", actualValue="7"),
        ],
    }

    gate = judged.gate(status, COUNTS, {"BLOCKER": 0})

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


def test_conditions_on_new_code_alone_are_judged_along_with_the_limits():
    status = {"status": "OK", "conditions": [condition("new_coverage", "OK")]}

    gate = judged.gate(status, COUNTS, {"BLOCKER": 0})

    assert gate
    assert (gate.status, gate.judge) == ("failed", "limits")
    assert [(each.metric, each.status) for each in gate.conditions] == [
        ("new_coverage", "ok"),
        ("BLOCKER", "error"),
    ]
