"""The approval layer: the buttons, the functions behind them, and the decision's email."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components import sender
from components.approval_rules import ApprovalRules
from components.as_json import as_json
from components.buttons import (
    APPROVE,
    EXTEND,
    REJECT,
    SCAN_AGAIN,
    TEAM_BUTTONS,
    WITHDRAW,
    Button,
    TeamButton,
    custom_action,
    team,
    team_key,
)
from components.context import Context
from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.policy import allow, resume_executions
from components.recipients import distinct
from components.storage import Storage

# The events that SES counts, their metrics in the namespace AWS/SES, and the dimension of those
# (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html).
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
    """Who gets emails, how long approvals are valid (seconds), and the team's own buttons.

    ``stored_days`` is how long a replaced version is stored, and so can be approved.
    ``failure_emails`` is who gets the email that a scan did not pass: uploader, recipients or off.
    ``mention`` is who an escalation mentions: here, channel, or the id of a member or group.
    """

    context: Context
    storage: Storage
    sender: str
    recipients: Sequence[str]
    create_email_identity: bool = True
    sender_domain: str = ""
    app_recipients: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    uploader_domains: Sequence[str] = ()
    failure_emails: str = "uploader"
    mention: str = ""
    exception_seconds: int
    max_exception_seconds: int
    stored_days: int = 90
    rules: ApprovalRules = field(default_factory=ApprovalRules)
    team_buttons: Sequence[TeamButton] = ()


class Approval(pulumi.ComponentResource):
    """Buttons on the cards; each click records one decision and resumes the state machine.

    ``notify`` sends the emails about outcomes. It is a function of its own so that permission to
    click a button is no permission to send mail. ``button_environment`` is for the functions that
    write cards, ``button_functions`` are those that the channel must be allowed to call. The
    pipeline, which has the state machine, grants ``approval`` and ``rescan`` their rights on
    executions.
    """

    approval: HandlerFunction
    rescan: HandlerFunction
    notify: HandlerFunction
    emails_failures: bool
    configuration_set: pulumi.Output[str]
    sender_dns_records: pulumi.Output[str]
    button_environment: dict[str, pulumi.Output[str]]
    actions: list[aws.cloudcontrol.Resource]
    button_functions: list[pulumi.Input[str]]

    def __init__(
        self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Approval", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)

        self.approval = self._approval(args)
        self.rescan = self._rescan(args)
        self.actions, self.button_functions, self.button_environment = self._buttons(args)
        self.configuration_set = self._configuration_set(args.context.prefix)
        self.notify = self._notify(args)
        # Without domains no uploader gets an email.
        self.emails_failures = args.failure_emails == "recipients" or (
            args.failure_emails == "uploader" and bool(args.uploader_domains)
        )
        self.sender_dns_records = pulumi.Output.from_input("")
        if args.create_email_identity:
            self.sender_dns_records = sender.identity(
                name, args.sender, args.sender_domain, args.context.region, self._child
            )

        self.register_outputs(
            {
                "functions": {label: function.name for label, function in self.functions.items()},
                "configuration_set": self.configuration_set,
                "sender_dns_records": self.sender_dns_records,
                "button_environment": self.button_environment,
                "actions": [action.id for action in self.actions],
                "button_functions": self.button_functions,
            }
        )

    @property
    def functions(self) -> dict[str, HandlerFunction]:
        """All functions of this layer, by label."""
        return {"approval": self.approval, "rescan": self.rescan, "notify": self.notify}

    def _approval(self, args: ApprovalArgs) -> HandlerFunction:
        storage = args.storage
        return HandlerFunction(
            f"{self._name}-approval",
            HandlerFunctionArgs(
                context=args.context,
                module="approval",
                description="Records what the channel decides about one scan",
                statements=[
                    *storage.read_state("waiting/*"),
                    *storage.read_evidence(
                        "scan.json",
                        "decision.json",
                        "withdrawal.json",
                        "extensions/*.json",
                        "approvals/*.json",
                        "actions/*.json",
                    ),
                    *storage.write_evidence(
                        "decision.json", "withdrawal.json", "extensions/*.json", "approvals/*.json"
                    ),
                    # A decision is about the newest version only.
                    *storage.list_upload_versions(),
                    resume_executions(),
                ],
                environment={
                    "ARTIFACTS_BUCKET": storage.artifacts.name,
                    "STATE_BUCKET": storage.state.name,
                    "EXCEPTION_SECONDS": str(args.exception_seconds),
                    "MAX_EXCEPTION_SECONDS": str(args.max_exception_seconds),
                    "STORED_DAYS": str(args.stored_days),
                    "APPROVALS": str(args.rules.approvals),
                },
            ),
            opts=self._child,
        )

    def _rescan(self, args: ApprovalArgs) -> HandlerFunction:
        storage = args.storage
        return HandlerFunction(
            f"{self._name}-rescan",
            HandlerFunctionArgs(
                context=args.context,
                module="rescan",
                description="Scans a version again whose scan is over and did not pass",
                statements=storage.read_evidence("scan.json", "gate-result.json"),
                environment={"ARTIFACTS_BUCKET": storage.artifacts.name},
            ),
            opts=self._child,
        )

    def _notify(self, args: ApprovalArgs) -> HandlerFunction:
        context, storage = args.context, args.storage
        return HandlerFunction(
            f"{self._name}-notify",
            HandlerFunctionArgs(
                context=context,
                module="notify",
                description="Mails the developers what did not pass, and what was decided",
                statements=[
                    *storage.read_evidence(
                        "scan.json",
                        "uploader.json",
                        "findings.json",
                        "report.json",
                        "gate-result.json",
                        "decision.json",
                        "withdrawal.json",
                        "extensions/*.json",
                        "approvals/*.json",
                        "actions/*.json",
                    ),
                    # Which versions rest on an exception.
                    *storage.read_state(),
                    # A failure is mailed about the newest version only.
                    *storage.list_upload_versions(),
                    # In SES's sandbox the recipients' identities count as resources too, so the
                    # condition decides.
                    allow(
                        "ses:SendEmail",
                        "ses:SendRawEmail",
                        resources=[
                            context.arn("ses", "identity/*"),
                            context.arn("ses", f"configuration-set/{context.prefix}"),
                        ],
                        conditions={"StringEquals": {"ses:FromAddress": args.sender}},
                    ),
                ],
                environment={
                    "ARTIFACTS_BUCKET": storage.artifacts.name,
                    "SENDER": args.sender,
                    "CONFIGURATION_SET": self.configuration_set,
                    "RECIPIENTS": json.dumps(
                        {
                            app: distinct(addresses)
                            for app, addresses in {
                                "": args.recipients,
                                **args.app_recipients,
                            }.items()
                        }
                    ),
                    "UPLOADER_DOMAINS": json.dumps(args.uploader_domains),
                    "FAILURE_EMAILS": args.failure_emails,
                    "ESCALATION_MENTION": _mention(args.mention),
                    "APPROVALS": str(args.rules.approvals),
                    "APPROVAL_COVERS": args.rules.covers,
                    "STATE_BUCKET": storage.state.name,
                    **args.rules.four_eyes,
                    **self.button_environment,
                },
                timeout_seconds=30,
            ),
            opts=self._child,
        )

    def _configuration_set(self, name: str) -> pulumi.Output[str]:
        """Count the delivery events of this gate's mail, apart from the account's other mail."""
        made = aws.sesv2.ConfigurationSet(
            f"{self._name}-mail", configuration_set_name=name, opts=self._child
        )
        aws.sesv2.ConfigurationSetEventDestination(
            f"{self._name}-mail",
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
            opts=self._child,
        )
        return made.configuration_set_name

    def _buttons(
        self, args: ApprovalArgs
    ) -> tuple[
        list[aws.cloudcontrol.Resource], list[pulumi.Input[str]], dict[str, pulumi.Output[str]]
    ]:
        """Make the buttons; return them, the functions behind them, and their environment."""
        prefix, approval, rescan = args.context.prefix, self.approval, self.rescan
        buttons: dict[str, tuple[Button, pulumi.Input[str] | None]] = {
            "approve": (APPROVE, approval.name),
            "reject": (REJECT, approval.name),
            "withdraw": (WITHDRAW, approval.name),
        }
        functions: list[pulumi.Input[str]] = [approval.arn]
        visible_buttons: dict[str, dict[str, object]] = {}
        # As many as a team may have: the channel's list of buttons never changes.
        for number in range(TEAM_BUTTONS):
            button = args.team_buttons[number] if number < len(args.team_buttons) else None
            again = button is not None and button.function == SCAN_AGAIN
            buttons[f"team-{number + 1}"] = (
                team(number, button.label) if button else team(number),
                rescan.name if again else None,
            )
            if button:
                functions.append(rescan.arn if again else button.function)
                visible_buttons[team_key(number)] = {
                    "function": rescan.name if again else button.function,
                    "outcomes": button.outcomes,
                    "again": again,
                }
        # Appended: the order of the channel's buttons never changes (decision record 11).
        buttons["extend"] = (EXTEND, approval.name)
        actions = [
            custom_action(
                f"{self._name}-{label}", f"{prefix}-{label}", button, function, self._child
            )
            for label, (button, function) in buttons.items()
        ]
        environment = {
            "APPROVAL_FUNCTION": approval.name,
            "TEAM_BUTTONS": as_json(visible_buttons),
        }
        return actions, functions, environment


def _mention(recipient: str) -> str:
    """Return the mrkdwn that mentions ``recipient``."""
    if not recipient:
        return ""
    if recipient in ("here", "channel"):
        return f"<!{recipient}>"
    return f"<!subteam^{recipient}>" if recipient.startswith("S") else f"<@{recipient}>"
