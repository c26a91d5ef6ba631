"""The approval layer: the buttons, the functions behind them, and the decision's email."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.as_json import as_json
from components.buttons import (
    APPROVE,
    REJECT,
    SCAN_AGAIN,
    WITHDRAW,
    TeamButton,
    custom_action,
    team,
    team_key,
)
from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.policy import allow, evidence

# What SES counts, by the metric of namespace AWS/SES that it counts it in, and that metric's
# dimension (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html).
MAIL_EVENTS = {
    "SEND": "Send",
    "BOUNCE": "Bounce",
    "COMPLAINT": "Complaint",
    "REJECT": "Reject",
    "DELIVERY_DELAY": "DeliveryDelay",
}
MAIL_DIMENSION = "ses:configuration-set"


@dataclass(frozen=True, kw_only=True)
class ApprovalArgs:
    """``action_prefix`` begins the buttons' names, unique in an account across its regions.

    ``mention`` calls somebody when nobody decides: here, channel, or the id of a member or group.
    ``state_machines`` is the ARN, or a pattern of it, of what scans again.
    """

    account: str
    region: str
    action_prefix: str
    sender: str
    create_sender: bool
    recipients: Sequence[str]
    app_recipients: Mapping[str, Sequence[str]]
    uploader_domains: Sequence[str]
    mention: str
    exception_seconds: int
    max_exception_seconds: int
    team_buttons: Sequence[TeamButton]
    log_days: int
    key_arn: pulumi.Input[str]
    uploads_arn: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    artifacts_arn: pulumi.Input[str]
    work: pulumi.Input[str]
    work_arn: pulumi.Input[str]
    state_machines: str


class Approval(pulumi.ComponentResource):
    """Buttons on the cards; each press records one decision and wakes the state machine.

    ``announce`` sends the mail of what was decided. It is a function of its own so that who may
    press a button cannot send mail. ``button_environment`` is for the functions that write cards,
    ``button_functions`` what the channel must be allowed to call.
    """

    function_name: pulumi.Output[str]
    rescan_name: pulumi.Output[str]
    announce_arn: pulumi.Output[str]
    functions: dict[str, HandlerFunction]
    configuration_set: pulumi.Output[str]
    button_environment: dict[str, pulumi.Output[str]]
    actions: list[pulumi.Output[str]]
    button_functions: list[pulumi.Input[str]]

    def __init__(
        self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Approval", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        # Without it S3 answers 403 where nothing is, which cannot be told from a missing right.
        tell_absent = allow("s3:ListBucket", on=[args.artifacts_arn])
        decrypt = allow("kms:Decrypt", on=[args.key_arn])

        executions = args.state_machines.replace(":stateMachine:", ":execution:") + ":*"
        approval = HandlerFunction(
            name,
            HandlerFunctionArgs(
                module="approval",
                description="Records what the channel decides about one scan",
                statements=[
                    allow(
                        "s3:GetObject",
                        on=[
                            pulumi.Output.concat(args.work_arn, "/waiting/*"),
                            *evidence(
                                args.artifacts_arn, "scan.json", "decision.json", "withdrawal.json"
                            ),
                        ],
                    ),
                    allow(
                        "s3:PutObject",
                        on=evidence(args.artifacts_arn, "decision.json", "withdrawal.json"),
                    ),
                    allow("s3:ListBucket", on=[args.artifacts_arn, args.work_arn]),
                    # A decision is about the newest version only.
                    allow("s3:ListBucketVersions", on=[args.uploads_arn]),
                    allow("kms:Decrypt", "kms:GenerateDataKey", on=[args.key_arn]),
                    # A task token is the resource here; IAM knows no narrower one.
                    allow("states:SendTaskSuccess", on=["*"]),
                    # Whether one that does not wait has failed.
                    allow("states:DescribeExecution", on=[executions]),
                ],
                environment={
                    "ARTIFACTS_BUCKET": args.artifacts,
                    "WORK_BUCKET": args.work,
                    "EXCEPTION_SECONDS": str(args.exception_seconds),
                    "MAX_EXCEPTION_SECONDS": str(args.max_exception_seconds),
                },
                log_days=args.log_days,
            ),
            opts=child,
        )
        rescan = HandlerFunction(
            "rescan",
            HandlerFunctionArgs(
                module="rescan",
                description="Scans a version again whose scan is over and did not pass",
                statements=[
                    allow(
                        "s3:GetObject", on=evidence(args.artifacts_arn, "scan.json", "verdict.json")
                    ),
                    tell_absent,
                    decrypt,
                    allow("states:StartExecution", on=[args.state_machines]),
                    allow("states:DescribeExecution", on=[executions]),
                ],
                environment={"ARTIFACTS_BUCKET": args.artifacts},
                log_days=args.log_days,
            ),
            opts=child,
        )
        self._make_buttons(args, approval, rescan)
        self.configuration_set = self._configuration_set(args.action_prefix)
        announce = HandlerFunction(
            "announce",
            HandlerFunctionArgs(
                module="announce",
                description="Mails the developers what was decided",
                statements=[
                    allow(
                        "s3:GetObject",
                        on=evidence(
                            args.artifacts_arn,
                            "scan.json",
                            "report.json",
                            "verdict.json",
                            "decision.json",
                            "withdrawal.json",
                            "pressed/*.json",
                        ),
                    ),
                    tell_absent,
                    decrypt,
                    # In SES's sandbox the recipients' identities count as resources too, so the
                    # condition decides.
                    allow(
                        "ses:SendEmail",
                        "ses:SendRawEmail",
                        on=[
                            f"arn:aws:ses:{args.region}:{args.account}:{each}"
                            for each in ("identity/*", f"configuration-set/{args.action_prefix}")
                        ],
                        when={"StringEquals": {"ses:FromAddress": args.sender}},
                    ),
                ],
                environment={
                    "ARTIFACTS_BUCKET": args.artifacts,
                    "SENDER": args.sender,
                    "CONFIGURATION_SET": self.configuration_set,
                    "RECIPIENTS": json.dumps({"": args.recipients, **args.app_recipients}),
                    "UPLOADER_DOMAINS": json.dumps(args.uploader_domains),
                    "ESCALATION_MENTION": _mention(args.mention),
                    **self.button_environment,
                },
                log_days=args.log_days,
                timeout_seconds=30,
            ),
            opts=child,
        )
        if args.create_sender:
            aws.sesv2.EmailIdentity("sender", email_identity=args.sender, opts=child)

        self.function_name, self.rescan_name = approval.name, rescan.name
        self.announce_arn = announce.arn
        self.functions = {"approval": approval, "rescan": rescan, "announce": announce}
        self.register_outputs({"function_name": self.function_name})

    def _configuration_set(self, name: str) -> pulumi.Output[str]:
        """Have SES count what becomes of this stack's mail, apart from the account's other mail."""
        child = pulumi.ResourceOptions(parent=self)
        made = aws.sesv2.ConfigurationSet("mail", configuration_set_name=name, opts=child)
        aws.sesv2.ConfigurationSetEventDestination(
            "mail",
            configuration_set_name=made.configuration_set_name,
            event_destination_name="metrics",
            event_destination={
                "enabled": True,
                "matching_event_types": list(MAIL_EVENTS),
                "cloud_watch_destination": {
                    "dimension_configurations": [
                        {
                            "dimension_name": MAIL_DIMENSION,
                            # SES tags each message with it.
                            "dimension_value_source": "MESSAGE_TAG",
                            "default_dimension_value": name,
                        }
                    ]
                },
            },
            opts=child,
        )
        return made.configuration_set_name

    def _make_buttons(
        self, args: ApprovalArgs, approval: HandlerFunction, rescan: HandlerFunction
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        self.actions = [
            custom_action(verb, f"{args.action_prefix}-{verb}", button, approval.name, child)
            for verb, button in {
                "approve": APPROVE,
                "reject": REJECT,
                "withdraw": WITHDRAW,
            }.items()
        ]
        self.button_functions = [approval.arn]
        shown: dict[str, dict[str, object]] = {}
        for place, button in enumerate(args.team_buttons):
            again = button.function == SCAN_AGAIN
            action = f"team-{place + 1}"
            self.actions.append(
                custom_action(
                    action,
                    f"{args.action_prefix}-{action}",
                    team(button.label, place),
                    rescan.name if again else None,
                    child,
                )
            )
            self.button_functions.append(rescan.arn if again else button.function)
            shown[team_key(place)] = {
                "function": rescan.name if again else button.function,
                "outcomes": button.outcomes,
                "again": again,
            }
        self.button_environment = {
            "APPROVAL_FUNCTION": approval.name,
            "TEAM_BUTTONS": as_json(shown),
        }


def _mention(who: str) -> str:
    """Return the mrkdwn that calls ``who``."""
    if not who:
        return ""
    if who in ("here", "channel"):
        return f"<!{who}>"
    return f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>"
