"""The notification layer: the topic, and the Slack channel that is subscribed to it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.approval import Approval
from components.as_json import as_json
from components.context import Context
from components.policy import Grant, allow, allow_service, policy, trust
from components.storage import Storage


@dataclass(frozen=True, kw_only=True)
class NotificationArgs:
    """``approval`` has the buttons that people in the channel may click.

    ``audit_log`` is the log group that the channel's audit log goes to, None if it is not read.
    """

    context: Context
    storage: Storage
    approval: Approval
    slack_workspace_id: str
    slack_channel_id: str
    user_role_required: bool = False
    audit_log: aws.cloudwatch.LogGroup | None = None


class Notification(pulumi.ComponentResource):
    """Posts what is published to the topic in one Slack channel, whose members may click buttons.

    The channel configuration subscribes itself to its topics: there is no subscription resource.
    """

    topic_arn: pulumi.Output[str]
    topic_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: NotificationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Notification", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, self._key_arn = args.context, args.storage.key_arn

        topic = aws.sns.Topic(f"{name}-notifications", kms_master_key_id=self._key_arn, opts=child)
        access = aws.sns.TopicPolicy(
            f"{name}-notifications",
            arn=topic.arn,
            policy=policy(
                # Roles of this account publish by their own policies; alarms need this one.
                allow_service(
                    "cloudwatch.amazonaws.com",
                    "sns:Publish",
                    resources=[topic.arn],
                    conditions={"StringEquals": {"aws:SourceAccount": context.account}},
                )
            ),
            opts=child,
        )

        # Without a guardrail of its own the channel would get AdministratorAccess as the outer
        # bound.
        click_buttons = policy(
            allow("lambda:InvokeFunction", resources=args.approval.button_functions)
        )
        guardrail = aws.iam.Policy(
            f"{name}-guardrail",
            description="The most that anybody in the Slack channel can do",
            policy=click_buttons,
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-channel", assume_role_policy=trust("chatbot.amazonaws.com"), opts=child
        )
        aws.iam.RolePolicy(f"{name}-channel", role=role.id, policy=click_buttons, opts=child)

        # The AWS provider's own resource cannot attach custom actions; Cloud Control can. Arrays
        # have one element or, as the buttons, never change (components/buttons.py).
        aws.cloudcontrol.Resource(
            f"{name}-channel",
            type_name="AWS::Chatbot::SlackChannelConfiguration",
            desired_state=as_json(
                {
                    "ConfigurationName": context.prefix,
                    "SlackWorkspaceId": args.slack_workspace_id,
                    "SlackChannelId": args.slack_channel_id,
                    "IamRoleArn": role.arn,
                    "SnsTopicArns": [topic.arn],
                    "GuardrailPolicies": [guardrail.arn],
                    "CustomizationResourceArns": [action.id for action in args.approval.actions],
                    "LoggingLevel": "INFO",
                    "UserRoleRequired": args.user_role_required,
                    "Tags": [{"Key": "Name", "Value": context.prefix}],
                }
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The service creates the log group with its first event, and then we could not.
                depends_on=[args.audit_log] if args.audit_log else [],
                # Another workspace replaces it, and the account has only one of a name.
                delete_before_replace=True,
                # A button that is made again has to be attached again.
                replace_with=[*args.approval.actions],
            ),
        )

        # The policy's output: alarms, which publish by the policy, are made after it.
        self.topic_arn, self.topic_name = access.arn, topic.name
        self.register_outputs({"topic_arn": self.topic_arn, "topic_name": self.topic_name})

    def publish(self) -> Grant:
        """Publish to the topic, which is encrypted."""
        return [
            allow("sns:Publish", resources=[self.topic_arn]),
            allow("kms:Decrypt", "kms:GenerateDataKey", resources=[self._key_arn]),
        ]
