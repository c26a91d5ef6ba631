"""The approval layer: the buttons, the function behind them, and the decision's email."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.policy import allow

# The service takes 100 characters at most, which is why function and region are variables.
COMMAND = (
    'lambda invoke --function-name $Fn --region $Region --payload {"scan":"$Scan","%s":"$Reason"}'
)
BUTTONS = {"approve": "Approve", "reject": "Reject"}


@dataclass(frozen=True, kw_only=True)
class ApprovalArgs:
    """``action_prefix`` begins the buttons' names, unique in an account across its regions."""

    account: str
    region: str
    action_prefix: str
    sender: str
    create_sender: bool
    recipients: Sequence[str]
    exception_seconds: int
    log_days: int
    key_arn: pulumi.Input[str]
    artifacts: pulumi.Input[str]
    artifacts_arn: pulumi.Input[str]


class Approval(pulumi.ComponentResource):
    """Two buttons on a failed gate; each press records one decision and wakes the state machine.

    ``announce`` sends the mail of what was decided. It is a function of its own so that who may
    press a button
    cannot send mail.
    """

    function_arn: pulumi.Output[str]
    function_name: pulumi.Output[str]
    announce_arn: pulumi.Output[str]
    actions: list[pulumi.Output[str]]

    def __init__(
        self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Approval", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        def evidence(*names: str) -> list[pulumi.Output[str]]:
            return [pulumi.Output.concat(args.artifacts_arn, "/scans/*/", name) for name in names]

        # Without it S3 answers 403 where nothing is, which cannot be told from a missing right.
        tell_absent = allow("s3:ListBucket", on=[args.artifacts_arn])
        decrypt = allow("kms:Decrypt", on=[args.key_arn])

        approval = HandlerFunction(
            name,
            HandlerFunctionArgs(
                module="approval",
                description="Records what the channel decides about one scan",
                statements=[
                    allow(
                        "s3:GetObject",
                        on=[
                            pulumi.Output.concat(args.artifacts_arn, "/waiting/*"),
                            *evidence("scan.json", "decision.json"),
                        ],
                    ),
                    allow("s3:PutObject", on=evidence("decision.json")),
                    tell_absent,
                    allow("kms:Decrypt", "kms:GenerateDataKey", on=[args.key_arn]),
                    # A task token is the resource here; IAM knows no narrower one.
                    allow("states:SendTaskSuccess", on=["*"]),
                ],
                environment={
                    "ARTIFACTS_BUCKET": args.artifacts,
                    "EXCEPTION_SECONDS": str(args.exception_seconds),
                },
                log_days=args.log_days,
            ),
            opts=child,
        )
        announce = HandlerFunction(
            "announce",
            HandlerFunctionArgs(
                module="announce",
                description="Mails the developers what was decided",
                statements=[
                    allow(
                        "s3:GetObject",
                        on=evidence("scan.json", "report.json", "decision.json", "pressed/*.json"),
                    ),
                    tell_absent,
                    decrypt,
                    # In SES's sandbox the recipients' identities count as resources too, so the
                    # condition decides.
                    allow(
                        "ses:SendEmail",
                        "ses:SendRawEmail",
                        on=[f"arn:aws:ses:{args.region}:{args.account}:identity/*"],
                        when={"StringEquals": {"ses:FromAddress": args.sender}},
                    ),
                ],
                environment={
                    "ARTIFACTS_BUCKET": args.artifacts,
                    "SENDER": args.sender,
                    "RECIPIENTS": json.dumps(args.recipients),
                },
                log_days=args.log_days,
                timeout_seconds=30,
            ),
            opts=child,
        )
        if args.create_sender:
            aws.sesv2.EmailIdentity("sender", email_identity=args.sender, opts=child)

        self.actions = [
            aws.cloudcontrol.Resource(
                verb,
                type_name="AWS::Chatbot::CustomAction",
                desired_state=pulumi.Output.json_dumps(
                    {
                        "ActionName": f"{args.action_prefix}-{verb}",
                        "Attachments": [_attachment(label, approval.name)],
                        "Definition": {"CommandText": COMMAND % verb},
                        "Tags": [{"Key": "Name", "Value": f"{args.action_prefix}-{verb}"}],
                    }
                ),
                opts=child,
            ).id
            for verb, label in BUTTONS.items()
        ]
        self.function_arn, self.function_name = approval.arn, approval.name
        self.announce_arn = announce.arn
        self.register_outputs({"function_arn": self.function_arn})


def _attachment(label: str, function: pulumi.Input[str]) -> dict[str, object]:
    """A button on cards of this stack that await a decision.

    ``Reason`` is bound by no card, so people are asked.
    """
    bound = ("Fn", "Region", "Scan", "Reason")
    return {
        "ButtonText": label,
        "NotificationType": "Custom",
        "Variables": {name: f"event.metadata.additionalContext.{name}" for name in bound},
        "Criteria": [
            # Only this stack's cards name this function.
            {"Operator": "EQUALS", "VariableName": "Fn", "Value": function},
            {"Operator": "HAS_VALUE", "VariableName": "Scan"},
        ],
    }
