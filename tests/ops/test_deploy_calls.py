"""The policies of ``ops rights`` against what the AWS provider calls, evaluated as IAM does it.

``tests/engine`` does the same with the operations of the real Pulumi engine.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from local.permissions.engine import Engine
from ops.program import PROJECT, Resource
from ops.rights_table import CLOUD_CONTROL, RIGHTS
from tests.support.deploy_role import DeployRole
from tests.support.policy_evaluator import needs_engine
from tests.support.provider_calls import HANDLERS, OPERATIONS, PROVIDER, Operation
from tests.support.recording import program

pytestmark = needs_engine

# Everything that a setting can add is in dev.
SETTINGS: dict[str, dict[str, Any]] = {
    "dev": {
        "vpcId": "vpc-0a",
        "vpcSubnets": ["subnet-0a"],
        "vpcSecurityGroups": ["sg-0a"],
        "recordApprover": True,
        "evidenceLock": "governance",
    },
    "prod": {},
}


def named(text: str, stack: str) -> str:
    """The text with the names that Pulumi would give instead of those in the program."""
    return re.sub(r"(?<![\w-])gate-([\w-]+)", rf"{PROJECT}-{stack}-gate-\1-0a1b2", text)


def operations(resource: Resource, stack: str) -> Iterator[Operation]:
    """Each operation on the resource."""
    inputs = {
        key: named(value, stack) if isinstance(value, str) else value
        for key, value in resource.inputs.items()
    }
    name = named(resource.name, stack)
    if "namePrefix" in inputs:
        name = f"{inputs['namePrefix']}0a1b2"
    for operation in OPERATIONS:
        yield Operation(resource.kind, operation, inputs.get("name", name), inputs)


@pytest.fixture(scope="module")
def roles() -> Iterator[dict[str, DeployRole]]:
    """The deploy role of each stack."""
    with Engine() as engine:
        built = {stack: program(stack, **settings).aws for stack, settings in SETTINGS.items()}
        yield {
            stack: DeployRole(
                engine,
                stack,
                resources,
                [item for resource in resources for item in operations(resource, stack)],
            )
            for stack, resources in built.items()
        }


@pytest.fixture(params=SETTINGS)
def role(request: pytest.FixtureRequest, roles: dict[str, DeployRole]) -> DeployRole:
    return roles[request.param]


def test_up_refresh_and_destroy_may_do_all_that_they_call(role: DeployRole):
    assert len(role.answers) > 1000
    assert role.refused == []


def test_each_type_is_in_the_providers_calls_and_no_other():
    assert PROVIDER.keys() - {"cloudcontrol/resource:Resource"} == RIGHTS.keys()
    assert HANDLERS.keys() == CLOUD_CONTROL.keys()


def test_no_right_is_left_over(roles: dict[str, DeployRole]):
    """In one environment at least; a right is an action on one pattern of ARNs."""
    used: set[tuple[str, str]] = set()
    granted: set[tuple[str, str]] = set()
    for stack, role in roles.items():
        for number, statement in enumerate(role.granted):
            allowed = [answer.call for answer in role.answers if number in answer.by]
            for action in statement["Action"]:
                for on in statement["Resource"]:
                    right = action, on.replace(f"{PROJECT}-{stack}", "STACK")
                    granted.add(right)
                    if any(
                        call.action == action and fnmatchcase(call.resource, on) for call in allowed
                    ):
                        used.add(right)

    assert sorted(granted - used) == []


def test_without_any_one_statement_a_call_is_refused(role: DeployRole):
    """Each statement of the policies is removed once."""
    noticed = 0
    for number in range(len(role.granted)):
        less = [*role.granted[:number], *role.granted[number + 1 :]]
        allowed = [(item.operation, item.call) for item in role.answers if number in item.by]
        noticed += any(not answer.allowed for answer in role.ask(allowed, less))

    assert noticed == len(role.granted) > 20
