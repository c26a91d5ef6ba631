"""The buttons of the cards: custom actions of the chat service.

A card carries, under the keys that ``handlers/buttons.py`` sets, the names of the functions that
its buttons call; where a key is missing, its button does not appear.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.as_json import as_json

# The service takes 100 characters at most, which is why the function (F), its region (R) and the
# scan (S) are variables with short names. Reason and Days are bound by no card, so people are asked
# for them by these names.
COMMAND = "lambda invoke --function-name $F --region $R --payload "
OUTCOMES = (
    "failed",
    "broken",
    "approved",
    "rejected",
    "expired",
    "superseded",
    "ending",
    "ended",
    "withdrawn",
)
SCAN_AGAIN = "scan-again"


@dataclass(frozen=True, kw_only=True)
class Button:
    """``key`` is where a card names the function; ``payload`` is JSON over S and ``asks``."""

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


def team_key(place: int) -> str:
    """Return where a card names the function of the team's button number ``place``."""
    return f"Team{place + 1}"


def team(label: str, place: int) -> Button:
    return Button(label=label, key=team_key(place), payload='{"scan":"$S"}')


def custom_action(
    name: str,
    action: str,
    button: Button,
    function: pulumi.Input[str] | None,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Create the button as the custom action ``action``; return its ARN.

    It shows on cards that name ``function``; without one, on cards that name any (a criterion takes
    50 characters at most, and an ARN has more).
    """
    context = {"F": button.key, "R": "Region", "S": "Scan"} | {each: each for each in button.asks}
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
                            {"Operator": "EQUALS", "VariableName": "F", "Value": function}
                            if function
                            else {"Operator": "HAS_VALUE", "VariableName": "F"},
                            {"Operator": "HAS_VALUE", "VariableName": "S"},
                        ],
                    }
                ],
                "Definition": {"CommandText": button.command},
                "Tags": [{"Key": "Name", "Value": action}],
            }
        ),
        opts=opts,
    ).id
