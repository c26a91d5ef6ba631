"""The picture is the definition's, and can be read."""

import itertools
import json

import pytest

from local.cloud import Cloud
from local.page.picture import HEIGHT, WIDTH, draw

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
    with Cloud() as cloud:
        machine = cloud.outputs["stateMachine"]
        described = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
        return json.loads(described["definition"])


def names(picture):
    return {each["name"] for each in picture["states"]}


def lines(picture):
    return {(each["from"], each["to"]) for each in picture["lines"]}


@pytest.mark.parametrize("visited", [set(), {"AwaitDecision", "TellTrouble", "Trouble"}])
def test_no_state_lies_on_another(deployed, visited):
    picture = draw(deployed, visited)

    for one, other in itertools.combinations(picture["states"], 2):
        apart = abs(one["x"] - other["x"]) >= WIDTH or abs(one["y"] - other["y"]) >= HEIGHT
        assert apart, (one, other)
    assert all(0 <= each["x"] <= picture["width"] - WIDTH for each in picture["states"])
    assert names(picture) >= {"Scan", "Judge", "AwaitDecision", *visited}


def test_each_way_on_is_drawn_once_and_loops_lead_back():
    picture = draw(LOOP)

    assert lines(picture) == {("A", "B"), ("B", "A"), ("B", "C"), ("C", "D")}
    assert len(picture["lines"]) == 4


def test_where_any_failure_may_lead_is_drawn_once_an_execution_went_there():
    assert "E" not in names(draw(LOOP))
    assert ("C", "E") in lines(draw(LOOP, {"C", "E"}))


def test_an_error_that_is_never_retried_is_an_answer_and_drawn():
    late = json.loads(json.dumps(LOOP))
    late["States"]["C"]["Retry"] = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}]

    assert ("C", "E") in lines(draw(late))
