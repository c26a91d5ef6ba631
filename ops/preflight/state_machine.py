"""The state machine's definition, as Step Functions itself reads and evaluates it.

Both calls need nothing deployed:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.preflight.environment import Environment
from ops.preflight.evaluations import CONTEXT, EVALUATIONS, VARIABLES, Evaluation
from ops.preflight.finding import Finding, failed, fine, warning

REPORT = "do not deploy this version: report it, with this finding"


def definition(environment: Environment) -> Iterator[Finding]:
    """Whether Step Functions accepts the definition."""
    answer = environment.client("stepfunctions").validate_state_machine_definition(
        definition=_definition(environment), type="STANDARD", severity="WARNING"
    )
    for diagnostic in answer["diagnostics"]:
        where = diagnostic.get("location", "the definition")
        what = f"{where}: {diagnostic['message']} ({diagnostic['code']})"
        if diagnostic["severity"] == "ERROR":
            yield failed(what, "`pulumi up` stops there", REPORT)
        else:
            yield warning(what, "Step Functions accepts it, but may not do what is meant", REPORT)
    if not answer["diagnostics"] and answer["result"] == "OK":
        yield fine("Step Functions accepts the definition")
    elif not answer["diagnostics"]:
        yield failed("Step Functions refuses the definition", "it does not say why", REPORT)


def expressions(environment: Environment) -> Iterator[Finding]:
    """Whether Step Functions evaluates each of ``EVALUATIONS`` as expected; only with a role.

    Each task is mocked, so nothing is called. A state that waits does so for a second.
    """
    if not environment.role:
        return
    if environment.role.split("/")[-1].startswith(environment.prefix):
        yield failed(
            f"{environment.role} is a role of the stack",
            "who may pass it to TestState can do all that it may, such as set clearances",
            "give a role of its own, without rights: docs/preflight.md, Rights",
        )
        return
    step_functions, body = environment.client("stepfunctions"), _definition(environment)
    states, unexpected = json.loads(body)["States"], 0
    for evaluation in EVALUATIONS:
        answer = step_functions.test_state(
            definition=body,
            stateName=evaluation.state,
            roleArn=environment.role,
            inspectionLevel="DEBUG",
            input=json.dumps(evaluation.data),
            variables=json.dumps({**VARIABLES, **evaluation.variables}),
            **_mock(evaluation, states[evaluation.state]),
        )
        for what in _differences(evaluation, answer):
            unexpected += 1
            yield failed(
                f"{evaluation.about}: {evaluation.state}: {what}",
                "an upload would take another path there, or its execution would end",
                REPORT,
            )
    if not unexpected:
        yield fine(f"Step Functions evaluates {len(EVALUATIONS)} states as expected")


def _definition(environment: Environment) -> str:
    [machine] = [
        resource
        for resource in environment.resources
        if resource.kind == "aws:sfn/stateMachine:StateMachine"
    ]
    return machine.inputs["definition"]


def _mock(evaluation: Evaluation, state: Mapping[str, Any]) -> dict[str, Any]:
    # TestState takes a mock for a task only, and a context only with a mock.
    if state["Type"] != "Task":
        return {}
    context = json.dumps(CONTEXT)
    if not evaluation.error:
        result = {"result": json.dumps(evaluation.result), "fieldValidationMode": "NONE"}
        return {"mock": result, "context": context}
    used_up = max(retrier["MaxAttempts"] for retrier in state["Retry"])
    return {
        "mock": {"errorOutput": {"error": evaluation.error}},
        "context": context,
        "stateConfiguration": {"retrierRetryCount": used_up},
    }


def _differences(evaluation: Evaluation, answer: Mapping[str, Any]) -> Iterator[str]:
    expected = "CAUGHT_ERROR" if evaluation.error else "SUCCEEDED"
    if answer["status"] != expected:
        error, cause = answer.get("error", ""), answer.get("cause", "")
        yield f"{answer['status']}, not {expected}: {error} {cause}".rstrip(": ")
        return
    if answer.get("nextState") != evaluation.next_state:
        yield f"goes to {answer.get('nextState')}, not {evaluation.next_state}"
    inspected = answer.get("inspectionData", {})
    variables = json.loads(inspected.get("variables", "{}"))
    yield from _other("assigns", evaluation.assigned, variables)
    arguments = json.loads(inspected.get("afterArguments", "{}"))
    yield from _other("sends", evaluation.payload, arguments.get("Payload", {}))


def _other(verb: str, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if name not in actual:
            yield f"{verb} no {name}, not {json.dumps(value)}"
        elif actual[name] != value:
            yield f"{verb} {json.dumps(actual[name])} as {name}, not {json.dumps(value)}"
