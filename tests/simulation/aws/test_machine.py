"""The interpreter of Amazon States Language follows the specification and AWS's documentation."""

import json
from typing import Any

import pytest

from tests.simulation.aws.faults import Faults, Plan
from tests.simulation.aws.machine import Machine, TaskFailed, check
from tests.simulation.aws.network import Network
from tests.simulation.aws.scheduler import Future, NotSimulated, Scheduler
from tests.simulation.aws.step_functions import Execution
from tests.simulation.aws.tasks import Tasks
from tests.simulation.trace import EPOCH

TASK = {"Type": "Task", "Resource": "do", "Next": "Good"}
ENDS = {"Good": {"Type": "Succeed"}, "Bad": {"Type": "Fail", "Error": "Bad"}}


class Tried:
    """A task that fails with each of ``errors`` in turn, then returns; records its attempts."""

    def __init__(self, scheduler: Scheduler, *errors: str, result: Any = None) -> None:
        self._scheduler, self._errors, self._result = scheduler, list(errors), result
        self.times: list[float] = []
        self.variables: dict[str, Any] = {}

    def __call__(self, resource: str, arguments: Any, variables: Any, seconds: Any) -> Any:
        self.times.append(round(self._scheduler.now, 3))
        self.variables = variables
        if self._errors:
            raise TaskFailed(self._errors.pop(0), "why")
        return self._result


def live(states: dict[str, Any], *errors: str, result: Any = None, data: Any = None) -> Any:
    """Run an execution; return its status, its task, and when it ended."""
    scheduler = Scheduler(1)
    task = Tried(scheduler, *errors, result=result)
    definition = {"QueryLanguage": "JSONata", "StartAt": "First", "States": {**states, **ENDS}}
    check(definition)
    machine = Machine(scheduler, definition, task)
    execution = Execution("arn", "name", json.dumps(data), 0.0)
    actor = scheduler.spawn("state machine", lambda: machine.live(execution))
    scheduler.run()
    return actor.ended.value[1], task, scheduler.now


def test_a_retrier_waits_longer_each_time_up_to_its_maximum():
    retry = {"ErrorEquals": ["E"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 4}
    states = {"First": {**TASK, "Retry": [{**retry, "MaxDelaySeconds": 10}]}}

    status, task, _ = live(states, *["E"] * 4)

    assert status == "SUCCEEDED"
    assert task.times == [0, 2, 8, 18, 28]


def test_after_its_maximum_attempts_a_retrier_leaves_the_error_to_the_catcher():
    states = {
        "First": {
            **TASK,
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}],
        }
    }

    assert live(states, "E")[0] == "SUCCEEDED"
    status, task, _ = live(states, "E", "E")
    assert (status, len(task.times)) == ("FAILED", 2)


def test_the_first_retrier_that_matches_decides():
    never = {"ErrorEquals": ["E"], "MaxAttempts": 0}
    always = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}
    states = {"First": {**TASK, "Retry": [never, always]}}

    assert live(states, "E")[0] == "FAILED"
    assert live(states, "F")[0] == "SUCCEEDED"


def test_jitter_stays_below_the_delay():
    retry = {"ErrorEquals": ["E"], "IntervalSeconds": 10, "JitterStrategy": "FULL"}

    _, task, _ = live({"First": {**TASK, "Retry": [retry]}}, "E")

    assert 0 < task.times[1] < 10


@pytest.mark.parametrize(
    ("names", "error", "caught"),
    [
        (["States.ALL"], "Whatever", True),
        (["States.TaskFailed"], "Whatever", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.Timeout", True),
        (["Other"], "Whatever", False),
        (["States.ALL"], "States.DataLimitExceeded", False),
    ],
)
def test_names_of_errors_match_as_the_specification_says(names, error, caught):
    states = {"First": {**TASK, "Next": "Bad", "Catch": [{"ErrorEquals": names, "Next": "Good"}]}}

    assert (live(states, error)[0] == "SUCCEEDED") is caught


def test_an_error_is_assigned_where_it_is_caught():
    caught = {"ErrorEquals": ["States.ALL"], "Next": "Second"}
    states = {
        "First": {**TASK, "Catch": [{**caught, "Assign": {"why": "{% $states.errorOutput %}"}}]},
        "Second": {**TASK},
    }

    _, task, _ = live(states, "E")

    assert task.variables["why"] == {"Error": "E", "Cause": "why"}


def test_variables_are_assigned_from_the_result_and_null_is_a_value():
    states = {
        "First": {**TASK, "Assign": {"a": "{% $states.result.x + 1 %}", "b": None}, "Next": "Look"},
        "Look": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $a = 2 and $b = null %}", "Next": "Good"}],
            "Default": "Bad",
        },
    }

    assert live(states, result={"x": 1})[0] == "SUCCEEDED"


def test_an_expression_without_a_result_fails_its_state():
    for expression in ("{% $nothing %}", "{% $states.input.nothing %}", "{% $uppercase($no) %}"):
        states = {"First": {"Type": "Pass", "Assign": {"a": expression}, "Next": "Good"}}
        assert live(states, data={"a": 1})[0] == "FAILED"


def test_a_path_alone_evaluates_as_in_the_real_engine():
    data = {"a": {"b": [{"c": 1}, {"c": 2}], "n": None}}
    states = {
        "First": {
            "Type": "Pass",
            "Assign": {
                "list": "{% $states.input.a.b.c %}",
                "null": "{% $states.input.a.n %}",
                "whole": "{% $states.input.a.b %}",
            },
            "Next": "Second",
        },
        "Second": TASK,
    }

    _, task, _ = live(states, data=data)

    assert task.variables["list"] == [1, 2]
    assert task.variables["null"] is None
    assert task.variables["whole"] == data["a"]["b"]


def test_time_in_expressions_and_waits_is_virtual():
    states = {
        "First": {"Type": "Wait", "Seconds": 86400, "Next": "Second"},
        "Second": {"Type": "Wait", "Timestamp": "2026-12-03T09:00:00Z", "Next": "Third"},
        "Third": {"Type": "Pass", "Assign": {"now": "{% $millis() %}"}, "Next": "Fourth"},
        "Fourth": TASK,
    }

    _, task, ended = live(states)

    assert ended == 2 * 86400
    assert task.variables["now"] == (EPOCH.timestamp() + 2 * 86400) * 1000


@pytest.mark.parametrize(
    "change",
    [
        {"HeartbeatSeconds": 5},
        {"Catch": [{"ErrorEquals": ["E"], "Next": "Nowhere"}]},
        {"Retry": [{"ErrorEquals": ["E"], "Intervall": 1}]},
        {"Type": "Parallel"},
        {"ResultPath": "$.a"},
    ],
    ids=["a field", "a state that is not there", "a field of a retrier", "a type", "JSONPath"],
)
def test_unsupported_fields_are_refused(change):
    with pytest.raises(NotSimulated):
        live({"First": {**TASK, **change}})


def test_an_execution_fails_when_its_history_is_full():
    loop = {**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "First"}], "Next": "First"}

    status, task, _ = live({"First": loop})

    assert status == "FAILED"
    assert len(task.times) == 25_000 // 5


class Tokens:
    """Task tokens, all of which are valid."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Future]] = []

    def token(self) -> tuple[str, Future]:
        self.made.append((f"token {len(self.made)}", Future()))
        return self.made[-1]

    def close(self, token: str) -> None:
        dict(self.made)[token].set(("closed", None))


def invoke(
    resource: str, *plans: Plan, seconds: float | None = None, function: Any = None
) -> tuple[Any, float]:
    """Run a task that invokes ``function(token, resumed)``; return its outcome and the time."""
    scheduler, tokens = Scheduler(1), Tokens()
    network = Network(scheduler, Faults(plans, scheduler.random, [], jitter=False))
    import boto3

    models = {"lambda": boto3.client("lambda", region_name="eu-central-1").meta.service_model}

    def run(name: str, payload: Any) -> Future:
        assert name == "f"
        answer = Future()
        function(scheduler, payload["token"], dict(tokens.made).get(payload["token"]), answer)
        return answer

    tasks = Tasks(network, models, *[None] * 4, run)  # type: ignore[arg-type]
    tasks._step_functions = tokens  # type: ignore[assignment]
    arguments = {"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}}
    if not resource.endswith("Token"):
        arguments["Payload"] = {"token": ""}
    variables = {"states": {"context": {}}}
    actor = scheduler.spawn(
        "state machine",
        lambda: (
            tasks.run(f"arn:aws:states:::{resource}", arguments, variables, seconds),
            scheduler.now,
        ),
        handled=(TaskFailed,),
    )
    scheduler.run()
    kind, value = actor.ended.value
    return value if kind == "done" else (value, scheduler.now)


def answers(scheduler: Scheduler, token: str, resumed: Any, answer: Future) -> None:
    scheduler.at(scheduler.now + 1, answer.set, ("done", "answer"))


def test_a_function_answers_its_task():
    assert invoke("lambda:invoke", function=answers)[0]["Payload"] == "answer"


def test_a_functions_error_has_the_name_of_its_exception():
    def fails(scheduler: Scheduler, token: str, resumed: Any, answer: Future) -> None:
        scheduler.at(scheduler.now + 1, answer.set, ("failed", ("KeyError", "why")))

    for resource in ("lambda:invoke", "lambda:invoke.waitForTaskToken"):
        error, _ = invoke(resource, function=fails)
        assert (error.error, error.cause) == ("KeyError", "why")


def test_lost_responses_and_refusals_have_the_error_names_of_aws():
    plan = Plan(caller="state machine", n=1, fault="after")
    assert invoke("lambda:invoke", plan, function=answers)[0].error == "Lambda.SdkClientException"
    plan = Plan(caller="state machine", n=1, fault="throttled")
    error, _ = invoke("lambda:invoke", plan, function=answers)
    assert error.error == "Lambda.TooManyRequestsException"
    plan = Plan(caller="state machine", n=1, fault="error after")
    assert invoke("lambda:invoke", plan, function=answers)[0].error == "Lambda.ServiceException"


def test_a_token_may_come_back_before_the_function_has_ended():
    def resumes(scheduler: Scheduler, token: str, resumed: Future, answer: Future) -> None:
        scheduler.at(scheduler.now + 1, resumed.set, ("done", '{"a": 1}'))
        scheduler.at(scheduler.now + 5, answer.set, ("done", None))

    result, ended = invoke("lambda:invoke.waitForTaskToken", function=resumes)

    assert result == {"a": 1}
    assert ended < 2


def test_a_task_with_a_token_waits_for_it_after_the_function_has_ended():
    def resumes(scheduler: Scheduler, token: str, resumed: Future, answer: Future) -> None:
        scheduler.at(scheduler.now + 1, answer.set, ("done", None))
        scheduler.at(scheduler.now + 50, resumed.set, ("done", "{}"))

    result, ended = invoke("lambda:invoke.waitForTaskToken", seconds=100, function=resumes)

    assert result == {}
    assert 50 < ended < 52


def test_a_token_that_comes_too_late_is_a_time_out():
    def resumes(scheduler: Scheduler, token: str, resumed: Future, answer: Future) -> None:
        scheduler.at(scheduler.now + 1, answer.set, ("done", None))
        scheduler.at(scheduler.now + 50, resumed.set, ("done", "{}"))

    error, _ = invoke("lambda:invoke.waitForTaskToken", seconds=10, function=resumes)

    assert error.output == {"Error": "States.Timeout"}
