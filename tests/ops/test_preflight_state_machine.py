"""What Step Functions says of the definition, and how it evaluates some of its states."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import ANY

from ops.preflight import state_machine
from ops.preflight.environment import Environment
from ops.preflight.evaluations import CONTEXT, EVALUATIONS, VARIABLES, Evaluation
from ops.preflight.finding import Level
from ops.program import ACCOUNT
from tests.simulation.aws.expressions import evaluate
from tests.simulation.aws.machine import Machine, TaskFailed
from tests.simulation.aws.scheduler import Scheduler
from tests.support.aws_answers import Answers, its

ROLE = f"arn:aws:iam::{ACCOUNT}:role/states"
NAMES = [f"{number} {evaluation.about}" for number, evaluation in enumerate(EVALUATIONS)]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterable[Answers]:
    answers = Answers(monkeypatch)
    yield answers
    answers.all_given()


def with_role() -> Environment:
    return replace(its(), role=ROLE)


# The definition


def test_a_definition_that_is_accepted_is_fine(aws: Answers):
    answer = {"result": "OK", "diagnostics": [], "truncated": False}
    aws.give("stepfunctions", "validate_state_machine_definition", answer)

    [finding] = state_machine.definition(its())

    assert (finding.level, finding.what) == (Level.FINE, "Step Functions accepts the definition")


def test_the_definition_that_is_asked_about_is_the_one_that_would_be_deployed(aws: Answers):
    request = {
        "definition": state_machine._definition(its()),
        "type": "STANDARD",
        "severity": "WARNING",
    }
    answer = {"result": "OK", "diagnostics": []}
    aws.give("stepfunctions", "validate_state_machine_definition", answer, **request)

    list(state_machine.definition(its()))

    assert json.loads(request["definition"])["StartAt"] == "OpenScan"


def test_each_diagnostic_is_a_finding_with_its_place(aws: Answers):
    diagnostics = [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": "no such field",
            "location": "/States/Scan/Tpye",
        },
        {"severity": "WARNING", "code": "NO_PATH", "message": "looks like a path"},
    ]
    answer = {"result": "FAIL", "diagnostics": diagnostics}
    aws.give("stepfunctions", "validate_state_machine_definition", answer)

    error, warning = state_machine.definition(its())

    assert (error.level, warning.level) == (Level.FAILED, Level.WARNING)
    assert error.what == "/States/Scan/Tpye: no such field (SCHEMA_VALIDATION_FAILED)"
    assert warning.what == "the definition: looks like a path (NO_PATH)"


def test_a_refusal_without_a_diagnostic_fails(aws: Answers):
    answer = {"result": "FAIL", "diagnostics": []}
    aws.give("stepfunctions", "validate_state_machine_definition", answer)

    assert [finding.level for finding in state_machine.definition(its())] == [Level.FAILED]


# Expressions


def simulated(evaluation: Evaluation) -> dict[str, Any]:
    """The answer of TestState by the simulation."""
    scheduler = Scheduler(0)
    sent: list[Any] = []

    def task(_resource: str, arguments: Any, variables: dict[str, Any], _seconds: Any) -> Any:
        sent.append(evaluate(arguments, variables))
        if evaluation.error:
            raise TaskFailed(evaluation.error)
        return json.loads(json.dumps(evaluation.result))

    definition = json.loads(state_machine._definition(its()))
    machine = Machine(scheduler, definition, task)
    variables = json.loads(json.dumps({**VARIABLES, **evaluation.variables}))
    context = json.loads(json.dumps(CONTEXT))
    context["State"]["Name"] = evaluation.state
    machine._events[context["Execution"]["Id"]] = 0
    actor = scheduler.spawn(
        "state machine",
        lambda: machine._step(
            definition["States"][evaluation.state], variables, context, dict(evaluation.data)
        ),
    )
    scheduler.run()
    kind, value = actor.ended.value
    assert kind == "done", value
    return {
        "status": "CAUGHT_ERROR" if evaluation.error else "SUCCEEDED",
        "nextState": value[0],
        "inspectionData": {
            "variables": json.dumps(variables),
            **({"afterArguments": json.dumps(sent[-1])} if sent else {}),
        },
    }


@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=NAMES)
def test_the_simulation_evaluates_as_expected_of_step_functions(evaluation: Evaluation):
    assert list(state_machine._differences(evaluation, simulated(evaluation))) == []


def answers(aws: Answers, changed: int = -1, **change: Any) -> None:
    """Answer as the simulation does; the answer number ``changed`` differs."""
    for number, evaluation in enumerate(EVALUATIONS):
        answer = simulated(evaluation)
        aws.give("stepfunctions", "test_state", answer | change if number == changed else answer)


def test_states_that_are_evaluated_as_expected_are_fine(aws: Answers):
    answers(aws)

    [finding] = state_machine.expressions(with_role())

    assert finding.level == Level.FINE
    assert f"{len(EVALUATIONS)} states" in finding.what


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"nextState": "PipelineError"}, "goes to PipelineError, not DescribeError"),
        (
            {"status": "FAILED", "error": "States.QueryEvaluationError", "cause": "nothing"},
            "FAILED, not CAUGHT_ERROR: States.QueryEvaluationError nothing",
        ),
        (
            {"inspectionData": {"variables": json.dumps({"errorText": "x"})}},
            'assigns "x" as errorText',
        ),
        ({"inspectionData": {}}, "assigns no errorText"),
    ],
)
def test_another_evaluation_fails(aws: Answers, change: dict[str, Any], what: str):
    answers(aws, 0, **change)

    finding, *_ = state_machine.expressions(with_role())

    assert finding.level == Level.FAILED
    assert "an error without a Cause: OpenScan: " in finding.what
    assert what in finding.what
    assert finding.fix


def test_null_that_is_dropped_from_arguments_is_found(aws: Answers):
    [number] = [n for n, one in enumerate(EVALUATIONS) if one.about == "null as an argument"]
    inspected = simulated(EVALUATIONS[number])["inspectionData"]
    arguments = {"Payload": {"build": None}}
    answers(aws, number, inspectionData={**inspected, "afterArguments": json.dumps(arguments)})

    [finding] = state_machine.expressions(with_role())

    assert "sends no error, not null" in finding.what


def test_each_state_is_evaluated_with_the_role_and_a_mock(aws: Answers):
    evaluation, *others = EVALUATIONS
    request = {
        "definition": state_machine._definition(its()),
        "stateName": "OpenScan",
        "roleArn": ROLE,
        "inspectionLevel": "DEBUG",
        "input": json.dumps(evaluation.data),
        "variables": json.dumps(VARIABLES),
        "context": json.dumps(CONTEXT),
        "mock": {"errorOutput": {"error": evaluation.error}},
        "stateConfiguration": {"retrierRetryCount": 5},
    }
    aws.give("stepfunctions", "test_state", simulated(evaluation), **request)
    for other in others:
        aws.give("stepfunctions", "test_state", simulated(other))

    list(state_machine.expressions(with_role()))


@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=NAMES)
def test_only_tasks_have_a_mock_and_so_a_context(
    aws: Answers, monkeypatch: pytest.MonkeyPatch, evaluation: Evaluation
):
    states = json.loads(state_machine._definition(its()))["States"]
    names = ["definition", "stateName", "roleArn", "inspectionLevel", "input", "variables"]
    if states[evaluation.state]["Type"] == "Task":
        names += ["mock", "context"] + (["stateConfiguration"] if evaluation.error else [])
    request: dict[str, Any] = dict.fromkeys(names, ANY)
    aws.give("stepfunctions", "test_state", simulated(evaluation), **request)
    monkeypatch.setattr(state_machine, "EVALUATIONS", [evaluation])

    [finding] = state_machine.expressions(with_role())

    assert finding.level == Level.FINE


def test_a_role_of_the_stack_is_refused_since_who_may_pass_it_could_use_it(aws: Answers):
    pipeline = f"arn:aws:iam::{ACCOUNT}:role/chatops-slack-dev-gate-pipeline-0123456"

    [finding] = state_machine.expressions(replace(its(), role=pipeline))

    assert finding.level == "failed"
    assert "a role of its own, without rights" in finding.fix


def test_without_a_role_nothing_is_evaluated(aws: Answers):
    assert list(state_machine.expressions(its())) == []
