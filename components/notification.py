"""The notification layer: the topic, and the Slack channel that listens to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.as_json import as_json
from components.policy import allow, allow_service, policy, trust


@dataclass(frozen=True, kw_only=True)
class NotificationArgs:
    """``actions`` are ARNs of custom actions, ``button_functions`` of all that they may call."""

    account: str
    configuration_name: str
    slack_workspace_id: str
    slack_channel_id: str
    user_role_required: bool
    key_arn: pulumi.Input[str]
    button_functions: Sequence[pulumi.Input[str]]
    actions: Sequence[pulumi.Input[str]]


class Notification(pulumi.ComponentResource):
    """Brings what the topic hears into one Slack channel, whose people may press our buttons.

    The channel configuration subscribes itself to its topics: there is no subscription resource.
    """

    topic_arn: pulumi.Output[str]
    topic_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: NotificationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Notification", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        topic = aws.sns.Topic(name, kms_master_key_id=args.key_arn, opts=child)
        aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=policy(
                # Roles of this account publish by their own policies; alarms need this one.
                allow_service(
                    "cloudwatch.amazonaws.com",
                    "sns:Publish",
                    on=[topic.arn],
                    when={"StringEquals": {"aws:SourceAccount": args.account}},
                )
            ),
            opts=child,
        )

        # Without a guardrail of its own the channel would get AdministratorAccess as the outer
        # bound.
        press_buttons = policy(allow("lambda:InvokeFunction", on=args.button_functions))
        guardrail = aws.iam.Policy(
            "guardrail",
            description="The most that anybody in the Slack channel can do",
            policy=press_buttons,
            opts=child,
        )
        role = aws.iam.Role(
            "channel", assume_role_policy=trust("chatbot.amazonaws.com"), opts=child
        )
        aws.iam.RolePolicy("channel", role=role.id, policy=press_buttons, opts=child)

        # The AWS provider's own resource cannot attach custom actions; Cloud Control can.
        aws.cloudcontrol.Resource(
            "channel",
            type_name="AWS::Chatbot::SlackChannelConfiguration",
            desired_state=as_json(
                {
                    "ConfigurationName": args.configuration_name,
                    "SlackWorkspaceId": args.slack_workspace_id,
                    "SlackChannelId": args.slack_channel_id,
                    "IamRoleArn": role.arn,
                    "SnsTopicArns": [topic.arn],
                    "GuardrailPolicies": [guardrail.arn],
                    "CustomizationResourceArns": args.actions,
                    "LoggingLevel": "INFO",
                    "UserRoleRequired": args.user_role_required,
                    "Tags": [{"Key": "Name", "Value": args.configuration_name}],
                }
            ),
            opts=child,
        )

        self.topic_arn, self.topic_name = topic.arn, topic.name
        self.register_outputs({"topic_arn": self.topic_arn})
