"""Whether channel and buttons in AWS are as the program declares them.

Pulumi does not see it: the AWS provider reads neither back into ``desired_state``
(terraform-provider-aws, internal/service/cloudcontrol/resource.go).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from domain.partition import PARTITION
from domain.stored_objects import error_code
from ops.preflight.environment import CHAT_REGION, Environment
from ops.preflight.finding import Finding, failed, fine
from ops.preflight.slack import ACTION, own_configuration, repair
from ops.program import GATE, PROJECT

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
        for difference in differences(expected, actual, environment.stack)
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


def differences(expected: Any, actual: Any, stack: str, path: str = "") -> Iterator[str]:
    """Yield what in ``actual`` differs, as in ``LoggingLevel is 'NONE'``; arrays have no order."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in sorted({*expected, *actual}):
            below = f"{path}.{key}".removeprefix(".")
            yield from differences(expected.get(key), actual.get(key), stack, below)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        if len(expected) == 1:
            yield from differences(expected[0], actual[0], stack, path)
        elif not all(any(_equal(one, other, stack) for other in actual) for one in expected):
            yield f"{path} is {actual!r}"
    elif not _matches(expected, actual, stack):
        yield f"{path} is {actual!r}"


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
        for difference in differences(expected, compared, environment.stack)
    ]


def _equal(expected: Any, actual: Any, stack: str) -> bool:
    return not list(differences(expected, actual, stack))


def _matches(expected: Any, actual: Any, stack: str) -> bool:
    """Whether a value is the expected one; a recorded name stands for that of the real resource."""
    if not (isinstance(expected, str) and isinstance(actual, str)):
        return expected == actual
    recorded = re.fullmatch(rf"(?:arn:{PARTITION}:(\w+):::)?({GATE}-[\w-]+)", expected)
    if not recorded:
        return expected == actual
    service, name = recorded.groups()
    # The suffix of the project's pulumi:autonaming.
    physical = rf"{PROJECT}-{stack}-{name}-[0-9a-f]+"
    arn = rf"arn:[\w-]+:{service}:[\w-]*:\d+:(\w+/)?" if service else ""
    return re.fullmatch(arn + physical, actual) is not None
