"""The graph follows the definition, and is legible."""

import itertools
import json
import re

import pytest

from local.account import LocalAccount
from local.page.graph_layout import HEIGHT, WIDTH, draw

pytestmark = pytest.mark.slow

LOOP = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Next": "A"}], "Default": "C"},
        "C": {"Type": "Task", "Next": "D", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "E"}]},
        "D": {"Type": "Succeed"},
        "E": {"Type": "Fail"},
    },
}


@pytest.fixture(scope="module")
def deployed():
    with LocalAccount() as cloud:
        machine = cloud.outputs["stateMachine"]
        described = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
        return json.loads(described["definition"])


def names(graph):
    return {state["name"] for state in graph["states"]}


def lines(graph):
    return {(line["from"], line["to"]) for line in graph["lines"]}


@pytest.mark.parametrize("visited", [set(), {"AwaitDecision", "DescribeError", "PipelineError"}])
def test_no_state_overlaps_another(deployed, visited):
    graph = draw(deployed, visited)

    for one, other in itertools.combinations(graph["states"], 2):
        apart = abs(one["x"] - other["x"]) >= WIDTH or abs(one["y"] - other["y"]) >= HEIGHT
        assert apart, (one, other)
    assert all(0 <= state["x"] <= graph["width"] - WIDTH for state in graph["states"])
    assert names(graph) >= {"Scan", "TagStatus", "AwaitDecision", *visited}


def test_each_transition_is_drawn_once_and_loops_lead_back():
    graph = draw(LOOP)

    assert lines(graph) == {("A", "B"), ("B", "A"), ("B", "C"), ("C", "D")}
    assert len(graph["lines"]) == 4


def test_catch_transitions_are_drawn_once_an_execution_took_them():
    assert "E" not in names(draw(LOOP))
    assert ("C", "E") in lines(draw(LOOP, {"C", "E"}))


def test_an_error_that_is_never_retried_is_expected_and_drawn():
    late = json.loads(json.dumps(LOOP))
    late["States"]["C"]["Retry"] = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}]

    assert ("C", "E") in lines(draw(late))


def test_transitions_connect_sides_and_cross_no_state(deployed):
    graph = draw(deployed)
    top = {item["name"]: item["y"] for item in graph["states"]}

    for line in graph["lines"]:
        (x, y), *_ = points = numbers(line["path"])
        down = top[line["from"]] < top[line["to"]]
        assert y == top[line["from"]] + (HEIGHT if down else 0)
        assert points[-1][1] == top[line["to"]] + (0 if down else HEIGHT)
        assert x == left(graph, line["from"]) + WIDTH / 2
        inside = [
            state["name"]
            for state in graph["states"]
            for x, y in points
            if 0 < x - state["x"] < WIDTH and 0 < y - state["y"] < HEIGHT
        ]
        assert inside == [], line


def numbers(path):
    """The points of a path, including the control points of its curves."""
    matches = [float(item) for item in re.findall(r"[\d.]+", path)]
    return list(zip(matches[::2], matches[1::2], strict=True))


def left(graph, name):
    return next(state["x"] for state in graph["states"] if state["name"] == name)
