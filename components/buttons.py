"""The buttons of the cards: custom actions of the chat service.

A card carries, under the keys that ``handlers/buttons.py`` sets, the names of the functions that
its buttons call; where a key is missing, its button does not appear.

Cloud Control edits arrays by position, and the service returns them in any order. So no array
changes while it has several elements: a button has one criterion and one tag, and a gate has the
same custom actions all its life (docs/decision-records.md, 11).
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.as_json import as_json

# The service allows 100 characters, so the function (F), its region (At) and the scan (S) are
# variables with short names. None begins with another's name, since the service's order of
# substitution is not documented. No card sets Reason and Days, so the service asks users for them
# under these names.
COMMAND = "lambda invoke --function-name $F --region $At --payload "
OUTCOMES = (
    "failed",
    "error",
    "approved",
    "rejected",
    "request-expired",
    "superseded",
    "partly-approved",
    "extended",
    "expiring",
    "approval-expired",
    "withdrawn",
)
SCAN_AGAIN = "scan-again"
# Outcomes after which the scan is not over.
NOT_OVER = ("failed", "partly-approved", "approved", "extended", "expiring")
# A gate has the custom actions of so many buttons of the team's own, used or not.
TEAM_BUTTONS = 5
# The service's limits (AWS::Chatbot::CustomAction).
MAX_ACTION_NAME, MAX_CRITERION = 64, 50


@dataclass(frozen=True, kw_only=True)
class Button:
    """``key`` is the card's field with the function; ``payload`` is JSON with S and ``asks``."""

    label: str
    key: str
    payload: str
    asks: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        return COMMAND + self.payload


@dataclass(frozen=True, kw_only=True)
class TeamButton:
    """A button of the team's own: ``function`` is the ARN that it calls, or ``SCAN_AGAIN``."""

    label: str
    outcomes: tuple[str, ...]
    function: str


SCAN_AGAIN_BUTTON = TeamButton(
    label="Scan again",
    outcomes=("error", "rejected", "request-expired", "approval-expired", "withdrawn"),
    function=SCAN_AGAIN,
)
APPROVE = Button(
    label="Approve",
    key="Decide",
    payload='{"scan":"$S","approve":["$Reason","$Days"]}',
    asks=("Reason", "Days"),
)
REJECT = Button(
    label="Reject", key="Decide", payload='{"scan":"$S","reject":"$Reason"}', asks=("Reason",)
)
WITHDRAW = Button(
    label="Withdraw",
    key="Withdraw",
    payload='{"scan":"$S","withdraw":"$Reason"}',
    asks=("Reason",),
)

EXTEND = Button(
    label="Extend",
    key="Extend",
    payload='{"scan":"$S","extend":["$Reason","$Days"]}',
    asks=("Reason", "Days"),
)


def team_key(number: int) -> str:
    """Return the key under which a card names the function of the team's button ``number``."""
    return f"Team{number + 1}"


def team(number: int, label: str = "Unused") -> Button:
    """Return the team's button ``number``, counted from 0; no card shows one without a label."""
    return Button(label=label, key=team_key(number), payload='{"scan":"$S"}')


def custom_action(
    name: str,
    action: str,
    button: Button,
    function: pulumi.Input[str] | None,
    opts: pulumi.ResourceOptions,
) -> aws.cloudcontrol.Resource:
    """Create the button as the custom action ``action``; the id of the resource is its ARN.

    It appears on cards that name ``function``; without one, on cards that name any function (an ARN
    is longer than a criterion may be).

    Raises:
        ValueError: a name is longer than the service allows.
    """
    context = {"F": button.key, "At": "Region", "S": "Scan"} | {name: name for name in button.asks}
    if len(action) > MAX_ACTION_NAME:
        raise ValueError(
            f"{action} is longer than {MAX_ACTION_NAME} characters: shorten the gate's name"
        )
    return aws.cloudcontrol.Resource(
        name,
        type_name="AWS::Chatbot::CustomAction",
        desired_state=as_json(
            {
                "ActionName": action,
                "Attachments": [
                    {
                        "ButtonText": button.label,
                        "NotificationType": "Custom",
                        "Variables": {
                            variable: f"event.metadata.additionalContext.{key}"
                            for variable, key in context.items()
                        },
                        "Criteria": [
                            {
                                "Operator": "EQUALS",
                                "VariableName": "F",
                                "Value": pulumi.Output.from_input(function).apply(_criterion),
                            }
                            if function
                            else {"Operator": "HAS_VALUE", "VariableName": "F"}
                        ],
                    }
                ],
                "Definition": {"CommandText": button.command},
                # Without a tag Cloud Control may wait without end:
                # https://github.com/hashicorp/terraform-provider-awscc/issues/1841
                "Tags": [{"Key": "Name", "Value": action}],
            }
        ),
        # Names are unique, so a replacement can only follow the deletion.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _criterion(function: str) -> str:
    if len(function) > MAX_CRITERION:
        raise ValueError(
            f"{function} is longer than the {MAX_CRITERION} characters that a button's criterion "
            "takes: shorten the gate's name, or the names of project and stack"
        )
    return function
