from typing import Any

import pytest

from components.notification import Notification, NotificationArgs
from tests.components.recording import ACCOUNT, Built, build


def notification(**changed: Any) -> Built:
    settings = {
        "account": ACCOUNT,
        "configuration_name": "chatops-slack-dev",
        "slack_workspace_id": "T0000000000",
        "slack_channel_id": "C0000000000",
        "user_role_required": False,
        "key_arn": "arn:key",
        "button_functions": ["arn:approval", "arn:ticket"],
        "actions": ["arn:approve", "arn:reject"],
    }
    return build(lambda: Notification("notification", NotificationArgs(**{**settings, **changed})))


@pytest.fixture(scope="module")
def built() -> Built:
    return notification()


def test_the_topic_is_encrypted_under_our_key(built: Built):
    assert built.one("sns/topic:Topic").inputs == {"kmsMasterKeyId": "arn:key"}


def test_only_alarms_of_this_account_publish_by_the_topics_own_policy(built: Built):
    resource = built.one("sns/topicPolicy:TopicPolicy")

    assert resource.inputs["arn"] == "arn:aws:sns:::notification"
    assert resource.policy() == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["sns:Publish"],
            "Resource": ["arn:aws:sns:::notification"],
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    ]


PRESS_BUTTONS = [
    {
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction"],
        "Resource": ["arn:approval", "arn:ticket"],
    }
]


def test_people_in_the_channel_can_invoke_what_the_buttons_call_and_nothing_else(built: Built):
    """The guardrail is the outer bound, the role what is granted within: they are the same."""
    right = built.one("iam/rolePolicy:RolePolicy", "channel")

    assert right.inputs["role"] == built.one("iam/role:Role", "channel").name
    assert right.policy() == PRESS_BUTTONS
    assert built.one("iam/policy:Policy", "guardrail").policy() == PRESS_BUTTONS


def test_only_the_chat_service_plays_the_channel(built: Built):
    assert built.one("iam/role:Role", "channel").policy("assumeRolePolicy") == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": "chatbot.amazonaws.com"},
        }
    ]


def test_the_channel_hears_the_topic_under_the_guardrail_and_shows_the_buttons(built: Built):
    resource = built.one("cloudcontrol/resource:Resource")

    assert resource.inputs["typeName"] == "AWS::Chatbot::SlackChannelConfiguration"
    assert resource.desired == {
        "ConfigurationName": "chatops-slack-dev",
        "SlackWorkspaceId": "T0000000000",
        "SlackChannelId": "C0000000000",
        "IamRoleArn": "arn:aws:iam:::channel",
        "SnsTopicArns": ["arn:aws:sns:::notification"],
        "GuardrailPolicies": ["arn:aws:iam:::guardrail"],
        "CustomizationResourceArns": ["arn:approve", "arn:reject"],
        "LoggingLevel": "INFO",
        "UserRoleRequired": False,
        "Tags": [{"Key": "Name", "Value": "chatops-slack-dev"}],
    }


def test_people_need_own_roles_where_the_setting_says_so():
    configuration = notification(user_role_required=True).one("cloudcontrol/resource:Resource")

    assert configuration.desired["UserRoleRequired"] is True


def test_the_channel_subscribes_itself(built: Built):
    assert not built.all("sns/topicSubscription:TopicSubscription")
