"""IAM policies as typed statements, written to JSON once their Outputs are known."""

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


def allow(
    *actions: str,
    on: Sequence[pulumi.Input[str]],
    when: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    """Allow ``actions`` on the ARNs ``on``, under the conditions ``when``."""
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": on}
    if when:
        statement["Condition"] = when
    return statement


def allow_service(
    service: str,
    *actions: str,
    on: Sequence[pulumi.Input[str]],
    when: Mapping[str, Mapping[str, Any]],
) -> Statement:
    """Allow an AWS service ``actions``; ``when`` names account or source (confused deputy)."""
    return {**allow(*actions, on=on, when=when), "Principal": {"Service": service}}


def policy(*statements: Statement) -> pulumi.Output[str]:
    """Write the statements as one policy document."""
    return as_json({"Version": "2012-10-17", "Statement": statements})


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


def evidence(artifacts_arn: pulumi.Input[str], *names: str) -> list[pulumi.Output[str]]:
    """Return the ARNs of these pieces of evidence, of whatever scan."""
    return [pulumi.Output.concat(artifacts_arn, "/scans/*/", name) for name in names]


def only_tls(bucket_arn: pulumi.Input[str]) -> Statement:
    """Refuse every request to the bucket that does not come over TLS."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Action": ["s3:*"],
        "Principal": "*",
        "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
