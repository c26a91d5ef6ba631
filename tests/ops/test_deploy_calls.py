"""The policies of ``ops rights`` against what the AWS provider calls, evaluated as IAM does it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest

from local.permissions.engine import Engine, Request, installed
from ops.program import ACCOUNT, PROJECT, REGION
from ops.rights import Statement, statements
from ops.rights_table import CLOUD_CONTROL, RIGHTS
from tests.support.provider_calls import (
    HANDLERS,
    KEY_ID,
    OPERATIONS,
    PROVIDER,
    Call,
    Operation,
    calls,
)
from tests.support.recording import Built, program

pytestmark = pytest.mark.skipif(not installed(), reason="the npm packages are not installed")

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
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


class Answer(NamedTuple):
    """A call, what made it, whether it is allowed, and the numbers of the statements that do."""

    operation: Operation
    call: Call
    allowed: bool
    by: frozenset[int]


class Deployment:
    """The program of one stack, the policies of its deploy role, and what the provider calls."""

    def __init__(self, engine: Engine, stack: str) -> None:
        self._engine, self._stack = engine, stack
        self.built: Built = program(stack, **SETTINGS[stack])
        self.granted = statements(stack, self.built.aws, ACCOUNT, REGION)
        self.policies = dict(self._resource_policies())
        self.answers = self.ask(self._calls(), self.granted)

    def ask(
        self, made: Iterable[tuple[Operation, Call]], granted: Sequence[Statement]
    ) -> list[Answer]:
        """Evaluate each call by ``granted`` and the policies of buckets and key."""
        listed = list(made)
        decisions = self._engine.decide(
            [
                Request(
                    principal=ROLE.replace(":iam:", ":sts:").replace("role", "assumed-role")
                    + "/ci",
                    action=call.action,
                    resource=call.resource,
                    account=ACCOUNT,
                    context={
                        "aws:PrincipalArn": ROLE,
                        "aws:PrincipalAccount": ACCOUNT,
                        "aws:SecureTransport": "true",
                        **call.context,
                    },
                    identity={"deploy": {"Version": "2012-10-17", "Statement": granted}},
                    resource_policy=self.policies.get(call.resource.split("/")[0])
                    or self.policies.get(call.resource),
                )
                for _, call in listed
            ]
        )
        return [
            Answer(
                operation,
                call,
                decision.allowed,
                frozenset(
                    int(number) - 1
                    for policy, number, effect in decision.statements
                    if (policy, effect) == ("deploy", "Allow")
                ),
            )
            for (operation, call), decision in zip(listed, decisions, strict=True)
        ]

    def _calls(self) -> Iterator[tuple[Operation, Call]]:
        tags = {"project": PROJECT, "stack": self._stack, "managed-by": "pulumi"}
        for resource in self.built.aws:
            inputs = {
                key: self._named(value) if isinstance(value, str) else value
                for key, value in resource.inputs.items()
            }
            name = inputs.get("name") or f"{inputs.get('namePrefix', '')}0a1b2"
            if "name" not in inputs and "namePrefix" not in inputs:
                name = self._named(resource.name)
            for operation in OPERATIONS:
                made = Operation(resource.kind, operation, name, inputs)
                for call in calls(made, tags):
                    yield made, call

    def _resource_policies(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for resource in self.built.all("s3/bucketPolicy:BucketPolicy"):
            arn = f"arn:aws:s3:::{self._named(resource.name)}"
            yield arn, json.loads(self._named(resource.inputs["policy"]))
        key = self.built.one("kms/key:Key").inputs["policy"]
        yield f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}", json.loads(key)

    def _named(self, text: str) -> str:
        """The text with the names that Pulumi would give instead of those in the program."""
        return re.sub(r"(?<![\w-])gate-([\w-]+)", rf"{PROJECT}-{self._stack}-gate-\1-0a1b2", text)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def deployments(engine: Engine) -> dict[str, Deployment]:
    return {stack: Deployment(engine, stack) for stack in SETTINGS}


@pytest.fixture(scope="module", params=SETTINGS)
def deployment(request: pytest.FixtureRequest, deployments: dict[str, Deployment]) -> Deployment:
    return deployments[request.param]


def test_up_refresh_and_destroy_may_do_all_that_they_call(deployment: Deployment):
    refused = sorted(
        {
            f"{answer.operation.operation}: {answer.call.action} on {answer.call.resource}"
            for answer in deployment.answers
            if not answer.allowed
        }
    )

    assert len(deployment.answers) > 1000
    assert refused == []


def test_each_type_is_in_the_providers_calls_and_no_other():
    assert PROVIDER.keys() - {"cloudcontrol/resource:Resource"} == RIGHTS.keys()
    assert HANDLERS.keys() == CLOUD_CONTROL.keys()


def test_no_right_is_left_over(deployments: dict[str, Deployment]):
    """In one environment at least; a right is an action on one pattern of ARNs."""
    used: set[tuple[str, str]] = set()
    all_granted: set[tuple[str, str]] = set()
    for stack, deployment in deployments.items():
        for number, statement in enumerate(deployment.granted):
            its_calls = [answer.call for answer in deployment.answers if number in answer.by]
            for action in statement["Action"]:
                for on in statement["Resource"]:
                    right = action, on.replace(f"{PROJECT}-{stack}", "STACK")
                    all_granted.add(right)
                    if any(
                        call.action == action and fnmatchcase(call.resource, on)
                        for call in its_calls
                    ):
                        used.add(right)

    assert sorted(all_granted - used) == []


def test_without_any_one_statement_a_call_is_refused(deployment: Deployment):
    """Each statement of the policies is removed once."""
    noticed = 0
    for number in range(len(deployment.granted)):
        less = [*deployment.granted[:number], *deployment.granted[number + 1 :]]
        its_calls = [
            (item.operation, item.call) for item in deployment.answers if number in item.by
        ]
        refused = [answer for answer in deployment.ask(its_calls, less) if not answer.allowed]
        assert refused, deployment.granted[number]
        noticed += 1

    assert noticed == len(deployment.granted) > 20
