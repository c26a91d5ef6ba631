"""The role that deploys a stack, with the policies of ``ops rights``, and what it is allowed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from local.permissions.engine import Engine, Request
from ops.program import ACCOUNT, PROJECT, REGION, Resource
from ops.rights import Statement, statements
from tests.support.provider_calls import KEY_ID, Call, Operation, calls

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci"


class Answer(NamedTuple):
    """A call, what made it, whether it is allowed, and the numbers of the statements that do."""

    operation: Operation
    call: Call
    allowed: bool
    by: frozenset[int]


class DeployRole:
    """Evaluates what the provider calls for ``operations`` on the resources of one stack."""

    def __init__(
        self,
        engine: Engine,
        stack: str,
        resources: Iterable[Resource],
        operations: Sequence[Operation],
    ) -> None:
        self._engine = engine
        self.granted = statements(stack, resources, ACCOUNT, REGION)
        self._policies = _resource_policies(operations)
        tags = {"project": PROJECT, "stack": stack, "managed-by": "pulumi"}
        made = [(operation, call) for operation in operations for call in calls(operation, tags)]
        self.answers = self.ask(made, self.granted)

    def ask(
        self, made: Iterable[tuple[Operation, Call]], granted: Sequence[Statement]
    ) -> list[Answer]:
        """Evaluate each call by ``granted`` and the policies of buckets and key."""
        listed = list(made)
        decisions = self._engine.decide(
            [
                Request(
                    principal=SESSION,
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
                    resource_policy=self._policies.get(call.resource)
                    or self._policies.get(call.resource.split("/")[0]),
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

    @property
    def refused(self) -> list[str]:
        """The calls that are refused, in words."""
        return sorted(
            {
                f"{answer.operation.operation}: {answer.call.action} on {answer.call.resource}"
                for answer in self.answers
                if not answer.allowed
            }
        )


def _resource_policies(operations: Iterable[Operation]) -> Mapping[str, Any]:
    """The policies of buckets and key by ARN, as the operations write them."""
    policies: dict[str, Any] = {}
    for operation in operations:
        kind = operation.kind.removeprefix("aws:")
        if kind == "s3/bucketPolicy:BucketPolicy":
            bucket = f"arn:aws:s3:::{operation.inputs['bucket']}"
            policies[bucket] = json.loads(operation.inputs["policy"])
        elif kind == "kms/key:Key":
            key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}"
            policies[key] = json.loads(operation.inputs["policy"])
    return policies
