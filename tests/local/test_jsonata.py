"""Variables bypass the parser, and have the same value as the literal would."""

import json

import pytest
from jsonata import Jsonata
from jsonata.timebox import Timebox

from local import jsonata

VARIABLES = {
    "$scan": {"scan": 'a/b \x00<é😀"', "none": None, "one": [1], "rows": [{"a": 1}]},
    "$states": {"input": {"x": [{"y": 1}, {"y": 2}]}},
    "$build": None,
    "$yes": True,
}


@pytest.mark.parametrize(
    "expression",
    [
        "$scan",
        "$scan.scan & 'x'",
        "$string($scan)",
        "$scan.none",
        "$scan.none = null",
        "$scan.one",
        "$scan.rows.a",
        "$count($scan.one)",
        "$exists($scan.absent)",
        "$states.input.x.y",
        "$build",
        "$build = null",
        "$exists($build)",
        "{'build': $build, 'one': $scan.one}",
        "$yes and $not($build)",
    ],
)
def test_a_variable_has_the_value_of_its_literal(expression):
    literals = "".join(
        f"{name}:={json.dumps(value, ensure_ascii=False)};" for name, value in VARIABLES.items()
    )
    declared = jsonata.declare(VARIABLES)

    for _ in range(2):  # parsed at first, then from the cache
        result = jsonata.evaluate(f"({declared}{expression})")
        assert result == Jsonata(f"({literals}{expression})").evaluate(None)


def test_a_failed_expression_is_not_cached():
    failing = f"({jsonata.declare({'$x': 'no number'})}$x + 1)"
    for _ in range(2):
        with pytest.raises(Exception, match="must evaluate to a number"):
            jsonata.evaluate(failing)

    assert jsonata.evaluate(f"({jsonata.declare({'$x': 1})}$x + 1)") == 2


def test_later_variables_override_earlier_ones():
    declared = jsonata.declare({"$x": 1}) + jsonata.declare({"$x": 2})

    assert jsonata.evaluate(f"({declared}$x)") == 2


@pytest.mark.parametrize("expression", ["$millis()", "$toMillis($now())"])
def test_the_time_is_that_of_the_evaluation(expression, monkeypatch):
    clock = [1_000]
    monkeypatch.setattr(Timebox, "current_milli_time", lambda: clock[0])
    jsonata.evaluate(expression)
    jsonata.evaluate(f"'{expression}, parsed after it'")

    clock[0] = 2_000

    assert jsonata.evaluate(expression) == 2_000
