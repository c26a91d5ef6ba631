"""Whether channel and buttons in AWS are as the program declares them.

Pulumi does not see it: the AWS provider reads neither back into ``desired_state``
(terraform-provider-aws, internal/service/cloudcontrol/resource.go).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from domain.partition import PARTITION
from domain.stored_objects import error_code
from ops.preflight.comparison import findings
from ops.preflight.environment import CHAT_REGION, Environment
from ops.preflight.finding import Finding, fine
from ops.preflight.policies import policy_findings
from ops.preflight.slack import ACTION, own_configuration, repair
from ops.program import Resource

CONFIGURATION = "AWS::Chatbot::SlackChannelConfiguration"
# The properties of the CloudFormation type, and their names in the service's API.
PROPERTIES = {
    "SlackWorkspaceId": "SlackTeamId",
    "SlackChannelId": "SlackChannelId",
    "IamRoleArn": "IamRoleArn",
    "SnsTopicArns": "SnsTopicArns",
    "GuardrailPolicies": "GuardrailPolicyArns",
    "LoggingLevel": "LoggingLevel",
    "UserRoleRequired": "UserAuthorizationRequired",
}
OF_ACTION = {name: name for name in ("Definition", "Attachments", "AliasName")}
# What the API may leave out.
DEFAULTS = {"LoggingLevel": "NONE", "UserAuthorizationRequired": False, "GuardrailPolicyArns": []}


def drift(environment: Environment) -> Iterator[Finding]:
    """Whether channel and buttons were changed other than by `pulumi up`; only after it."""
    own = own_configuration(environment) if environment.deployed else None
    if own is None:
        return
    [configuration] = environment.cloud_control(CONFIGURATION)
    actions = environment.cloud_control(ACTION)
    actual = {ours: {**DEFAULTS, **own}.get(ours) for ours in PROPERTIES.values()}
    changed = _changed(
        environment, configuration, f"configuration {environment.prefix}", PROPERTIES, actual
    )
    for action in actions:
        name = action.desired["ActionName"]
        actual = _action(environment, name)
        changed += _changed(environment, action, f"custom action {name}", OF_ACTION, actual)
    yield from changed or [
        fine(f"channel and {len(actions)} buttons are as the program declares them")
    ]


def guardrail(environment: Environment) -> Iterator[Finding]:
    """Whether the guardrail allows what the program wrote: its ARN is the same in any version."""
    own = own_configuration(environment) if environment.deployed else None
    arns = own.get("GuardrailPolicyArns", []) if own else []
    [written] = [item for item in environment.resources if item.kind == "aws:iam/policy:Policy"]
    iam = environment.client("iam")
    for arn in arns:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        policy = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        why = "people in the channel may do more than decide, or not decide"
        owner = f"guardrail {arn} ({version})"
        yield from policy_findings(environment, owner, written, policy["Document"], why)


def _changed(
    environment: Environment,
    written: Resource,
    owner: str,
    properties: Mapping[str, str],
    actual: Mapping[str, Any] | None,
) -> list[Finding]:
    """What of ``actual`` differs; ``properties`` are by the names of the CloudFormation type."""
    stored = environment.stored(written)
    of_program, of_state = (
        desired and {ours: desired.get(name) for name, ours in properties.items()}
        for desired in (written.desired, stored and json.loads(stored["desiredState"]))
    )
    return findings(
        environment,
        owner,
        of_program,
        of_state,
        actual,
        "the program declares it otherwise: cards or buttons may be missing, or people in "
        "the channel may do more than decide",
        repair(environment.stack),
    )


def _action(environment: Environment, name: str) -> dict[str, Any] | None:
    """A button's properties, None if it is gone."""
    arn = f"arn:{PARTITION}:chatbot::{environment.identity.account}:custom-action/{name}"
    try:
        actual = environment.client("chatbot", CHAT_REGION).get_custom_action(CustomActionArn=arn)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return None
    return {key: actual["CustomAction"].get(key) for key in OF_ACTION}
