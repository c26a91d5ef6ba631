"""Whether channel and buttons in AWS are as the program declares them.

Pulumi does not see it: the AWS provider reads neither back into ``desired_state``
(terraform-provider-aws, internal/service/cloudcontrol/resource.go).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from domain.partition import PARTITION
from domain.stored_objects import error_code
from ops.preflight.comparison import differences
from ops.preflight.environment import CHAT_REGION, Environment
from ops.preflight.finding import Finding, failed, fine
from ops.preflight.policies import policy_findings
from ops.preflight.slack import ACTION, own_configuration, repair

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
# What the API may leave out.
DEFAULTS = {"LoggingLevel": "NONE", "UserAuthorizationRequired": False, "GuardrailPolicyArns": []}


def drift(environment: Environment) -> Iterator[Finding]:
    """Whether channel and buttons were changed other than by `pulumi up`; only after it."""
    own = own_configuration(environment) if environment.deployed else None
    if own is None:
        return
    [declared] = environment.desired(CONFIGURATION)
    expected = {ours: declared[name] for name, ours in PROPERTIES.items()}
    actual = {ours: {**DEFAULTS, **own}.get(ours) for ours in PROPERTIES.values()}
    changed = [
        f"configuration {environment.prefix}: {difference}"
        for difference in differences(expected, actual, environment)
    ]
    actions = environment.desired(ACTION)
    for action in actions:
        changed += _of_action(environment, action)
    for what in changed:
        yield failed(
            what,
            "the program declares it otherwise: cards or buttons may be missing, or people in "
            "the channel may do more than decide",
            f"after an edit of the settings: pulumi up --stack {environment.stack}; else "
            f"{repair(environment.stack)}",
        )
    if not changed:
        yield fine(f"channel and {len(actions)} buttons are as the program declares them")


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


def _of_action(environment: Environment, action: Mapping[str, Any]) -> list[str]:
    name = action["ActionName"]
    arn = f"arn:{PARTITION}:chatbot::{environment.identity.account}:custom-action/{name}"
    try:
        actual = environment.client("chatbot", CHAT_REGION).get_custom_action(CustomActionArn=arn)[
            "CustomAction"
        ]
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return [f"custom action {name} is gone"]
    expected = {key: action[key] for key in ("Definition", "Attachments")}
    compared = {key: actual.get(key) for key in (*expected, "AliasName")}
    return [
        f"custom action {name}: {difference}"
        for difference in differences(expected, compared, environment)
    ]
