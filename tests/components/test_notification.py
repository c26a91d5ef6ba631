import pytest

from components.buttons import TeamButton
from tests.support.recording import Built, gate

TICKET = "arn:aws:lambda:eu-central-1:123456789012:function:open-ticket"


@pytest.fixture(scope="module")
def built() -> Built:
    ticket = TeamButton(label="Open ticket", outcomes=("failed",), function=TICKET)
    return gate(custom_actions=[ticket])


def test_the_topic_is_encrypted_under_our_key(built: Built):
    assert built.one("sns/topic:Topic").inputs == {"kmsMasterKeyId": "arn:aws:kms:::gate-key"}


def test_channel_members_can_invoke_only_the_functions_of_buttons(built: Built):
    """The guardrail is the maximum, the role grants within it: here both are the same."""
    role = built.one("iam/rolePolicy:RolePolicy", "gate-channel")

    assert role.inputs["role"] == built.one("iam/role:Role", "gate-channel").name
    assert role.policy() == [
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": ["arn:aws:lambda:::gate-approval", TICKET],
        }
    ]
    assert built.one("iam/policy:Policy", "gate-guardrail").policy() == role.policy()


def test_the_channel_gets_the_topic_the_guardrail_and_the_buttons(built: Built):
    resource = built.one("cloudcontrol/resource:Resource", "gate-channel")

    assert resource.inputs["typeName"] == "AWS::Chatbot::SlackChannelConfiguration"
    assert resource.desired == {
        "ConfigurationName": "chatops-slack-dev-gate",
        "SlackWorkspaceId": "T0000000000",
        "SlackChannelId": "C0000000000",
        "IamRoleArn": "arn:aws:iam:::gate-channel",
        "SnsTopicArns": ["arn:aws:sns:::gate-notifications"],
        "GuardrailPolicies": ["arn:aws:iam:::gate-guardrail"],
        "CustomizationResourceArns": [
            f"arn:aws:cloudcontrol:::gate-{action}"
            for action in (
                *("approve", "reject", "withdraw"),
                *(f"team-{n}" for n in range(1, 6)),
                "extend",
            )
        ],
        "LoggingLevel": "INFO",
        "UserRoleRequired": False,
        "Tags": [{"Key": "Name", "Value": "chatops-slack-dev-gate"}],
    }


def test_user_roles_are_required_if_the_setting_says_so():
    configuration = gate(user_role_required=True).one(
        "cloudcontrol/resource:Resource", "gate-channel"
    )

    assert configuration.desired["UserRoleRequired"] is True


def test_the_configuration_subscribes_the_channel_to_the_topic(built: Built):
    assert not built.all("sns/topicSubscription:TopicSubscription")
