"""IAM policies as typed statements, written to JSON once their Outputs are known."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from components.as_json import as_json


class Statement(TypedDict):
    """One statement of an IAM policy; ``Principal`` only in resource policies."""

    Effect: str
    Action: Sequence[str]
    Sid: NotRequired[str]
    Principal: NotRequired[Mapping[str, Any] | str]
    Resource: NotRequired[Sequence[pulumi.Input[str]]]
    NotResource: NotRequired[Sequence[pulumi.Input[str]]]
    Condition: NotRequired[Mapping[str, Mapping[str, Any]]]


# What a component grants on itself, for the policy of the role that gets it.
Grant = list[Statement]
Arn = pulumi.Input[str]


def objects(bucket_arn: Arn, key: str) -> Arn:
    """The ARN of objects in a bucket; plain text for a plain ARN."""
    if isinstance(bucket_arn, str):
        return f"{bucket_arn}/{key}"
    return pulumi.Output.concat(bucket_arn, "/", key)


def allow(
    *actions: str,
    resources: Sequence[pulumi.Input[str]],
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    """Allow ``actions`` on the ARNs ``resources``."""
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    if conditions:
        statement["Condition"] = conditions
    return statement


def resume_executions() -> Statement:
    """Allow to send task tokens back; IAM supports no narrower resource for them."""
    return allow("states:SendTaskSuccess", resources=["*"])


def allow_service(
    service: str,
    *actions: str,
    resources: Sequence[pulumi.Input[str]],
    conditions: Mapping[str, Mapping[str, Any]],
) -> Statement:
    """Allow an AWS service; ``conditions`` name account or source (confused deputy)."""
    return {
        **allow(*actions, resources=resources, conditions=conditions),
        "Principal": {"Service": service},
    }


def policy(*statements: Statement) -> pulumi.Output[str]:
    """Return the statements as one policy document, with overlapping grants merged."""
    return as_json({"Version": "2012-10-17", "Statement": statements}).apply(_merged)


def _merged(document: str) -> str:
    """Merge plain Allow statements: one for each set of actions on the same resources."""
    parsed = json.loads(document)
    statements: list[dict[str, Any]] = []
    actions: dict[tuple[str, str], dict[str, None]] = {}
    for statement in parsed["Statement"]:
        if statement.keys() - {"Effect", "Action", "Resource", "Condition"}:
            statements.append(statement)
            continue
        for resource in statement["Resource"]:
            key = json.dumps(statement.get("Condition", {})), resource
            actions.setdefault(key, {}).update(dict.fromkeys(statement["Action"]))
    resources: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (condition, resource), allowed in actions.items():
        resources.setdefault((condition, tuple(sorted(allowed))), []).append(resource)
    for (condition, allowed), on in resources.items():
        statement = {"Effect": "Allow", "Action": list(allowed), "Resource": on}
        if conditions := json.loads(condition):
            statement["Condition"] = conditions
        statements.append(statement)
    return json.dumps({**parsed, "Statement": statements})


def trust(service: str, account: str | None = None) -> pulumi.Output[str]:
    """Let ``service`` assume the role; with ``account``, on behalf of that account only.

    Step Functions, CodeBuild and EventBridge send the account when they assume a role; Lambda and
    the chat service are not documented to, and a condition on it would lock them out.
    """
    statement: Statement = {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Principal": {"Service": service},
    }
    if account:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return policy(statement)


def deny_insecure_transport(bucket_arn: Arn) -> Statement:
    """Refuse every request to the bucket that does not come over TLS."""
    return {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Action": ["s3:*"],
        "Principal": "*",
        "Resource": [bucket_arn, objects(bucket_arn, "*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
