"""The rights that the policies give, and which of the calls used each of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from local.permissions.engine import Request
from local.permissions.guard import Allowed
from tests.permissions.recorded import owner_of, short

Policies = Mapping[tuple[str, str], Mapping[str, Any]]


class Right(NamedTuple):
    """One action on one resource, as one statement allows it to the owner of a role's policy.

    ``who`` is the principal in a policy of a resource, such as a service.
    """

    owner: str
    policy: str
    statement: str
    action: str
    resource: str
    who: str = ""

    def __str__(self) -> str:
        return f"{self.owner}: {self.who} {self.action} on {short(self.resource)}".replace(
            "  ", " "
        )


def rights(policies: Policies) -> Iterator[Right]:
    """Each right that a statement allows, with the statement's Sid or number from 1."""
    for (owner, policy), document in policies.items():
        for number, statement in enumerate(document["Statement"], 1):
            if statement["Effect"] != "Allow":
                continue
            for who in principals(statement) or [""]:
                for action in listed(statement["Action"]):
                    for resource in listed(statement.get("Resource", "*")):
                        if not _applies(action, resource):
                            continue
                        sid = statement.get("Sid", str(number))
                        yield Right(owner, policy, sid, action, resource, who)


def used(right: Right, calls: Iterable[Allowed]) -> bool:
    """Whether the right allowed one of the calls."""
    return any(_used(right, call) for call in calls)


def owners_of(request: Request) -> tuple[str, str]:
    """The owners of the policies that decide about a request: of its role, and of its resource."""
    role = owner_of(str(request.context.get("aws:PrincipalArn", "arn:aws:iam:::role/")))
    if request.action == "sts:AssumeRole":
        return role, f"trust of {short(request.resource.rsplit('/', 1)[1])}"
    return role, owner_of(request.resource) if request.resource_policy else ""


def principals(statement: Mapping[str, Any]) -> list[str]:
    """The principals that a statement of a resource's policy names."""
    named = statement.get("Principal", {})
    if named == "*":
        return ["*"]
    return [item for kind in named.values() for item in listed(kind)]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _applies(action: str, resource: str) -> bool:
    """Whether the action is one on that kind of resource: S3's are on a bucket or on objects."""
    if not action.startswith("s3:") or resource == "*":
        return True
    return ("Bucket" in action) == ("/" not in resource)


def _used(right: Right, call: Allowed) -> bool:
    request = call.request
    return (
        (right.policy, right.statement, "Allow") in call.decision.statements
        and right.owner in owners_of(request)
        and _matches(right.action, request.action)
        and (right.resource == "*" or _matches(right.resource, request.resource))
        and right.who
        in (
            "",
            "*",
            request.principal,
            request.context.get("aws:PrincipalArn"),
            f"arn:aws:iam::{request.account}:root",
        )
    )


def _matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: ``*`` is any text, ``?`` any character."""
    parts = re.split(r"([*?])", pattern)
    regex = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(regex, text, re.DOTALL) is not None
