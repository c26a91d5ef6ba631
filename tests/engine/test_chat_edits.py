"""What is sent to the chat service for each edit of buttons and channel, under the real Pulumi CLI.

Channel and buttons are as declared after each edit: nothing is detached, doubled or left behind.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from components.buttons import TEAM_BUTTONS
from ops.preflight.slack import CHAT_RESOURCES
from tests.engine.workspace import Workspace, copy_program

GATE = "chatops-slack-dev-gate"
CONFIGURATION_ARN = f"arn:aws:chatbot::123456789012:chat-configuration/slack-channel/{GATE}"
REPAIR = ("--target-replace", CHAT_RESOURCES)
TEAM = [f"team-{n + 1}" for n in range(TEAM_BUTTONS)]
BUTTONS = ["approve", "reject", "withdraw", *TEAM, "extend"]
AGAIN = {"label": "Scan again", "outcomes": ["error"], "function": "scan-again"}
TICKET_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:open-ticket"
TICKET = {"label": "Open ticket", "outcomes": ["failed"], "function": TICKET_ARN}
LABEL = "/Attachments/0/ButtonText"
CRITERION = "/Attachments/0/Criteria/0"


def setting(name: str, value: Any) -> Callable[[Workspace], None]:
    def edit(stack: Workspace) -> None:
        file = stack.program / f"Pulumi.{stack.stack}.yaml"
        settings = yaml.safe_load(file.read_text())
        settings["config"][f"chatops-slack:{name}"] = value
        file.write_text(yaml.safe_dump(settings))

    return edit


def buttons(*declared: Mapping[str, Any]) -> Callable[[Workspace], None]:
    return setting("customActions", [dict(button) for button in declared])


def update(name: str, *operations: tuple[str, str, Any]) -> list[Any]:
    """An update of one resource; a value None is one that differs from stack to stack."""
    return ["update", f"{GATE}-{name}" if name else GATE, list(operations)]


# Each edit of the settings, in this order, and what it sends.
EDITS: dict[str, tuple[Callable[[Workspace], object], list[Any]]] = {
    "another label": (
        buttons({**AGAIN, "label": "Run again"}),
        [update("team-1", ("replace", LABEL, "Run again"))],
    ),
    "one more button": (
        buttons(AGAIN, TICKET),
        [
            update("team-1", ("replace", LABEL, "Scan again")),
            update("team-2", ("replace", LABEL, "Open ticket")),
        ],
    ),
    # The button has the name of no function that is not its own: the card has, and the guardrail.
    "another function of a button": (
        buttons(AGAIN, {**TICKET, "function": f"{TICKET_ARN}-2"}),
        [],
    ),
    "another order": (
        buttons(TICKET, AGAIN),
        [
            update(
                "team-1",
                ("remove", f"{CRITERION}/Value", None),
                ("replace", LABEL, "Open ticket"),
                ("replace", f"{CRITERION}/Operator", "HAS_VALUE"),
            ),
            update(
                "team-2",
                ("add", f"{CRITERION}/Value", None),
                ("replace", LABEL, "Scan again"),
                ("replace", f"{CRITERION}/Operator", "EQUALS"),
            ),
        ],
    ),
    "no buttons": (
        buttons(),
        [
            update("team-1", ("replace", LABEL, "Unused")),
            update(
                "team-2",
                ("remove", f"{CRITERION}/Value", None),
                ("replace", LABEL, "Unused"),
                ("replace", f"{CRITERION}/Operator", "HAS_VALUE"),
            ),
        ],
    ),
    "another channel, and roles of users": (
        lambda stack: (
            setting("slackChannelId", "C9999999999")(stack),
            setting("userRoleRequired", True)(stack),
        ),
        [
            update(
                "",
                ("replace", "/SlackChannelId", "C9999999999"),
                ("replace", "/UserRoleRequired", True),
            )
        ],
    ),
    "another workspace": (
        setting("slackWorkspaceId", "T9999999999"),
        [["delete", GATE, None], ["create", GATE, None]],
    ),
}


@dataclass
class Edited:
    """What each step sent, and the differences between the service and the program after it."""

    sent: dict[str, list[Any]] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Edited:
    folder = tmp_path_factory.mktemp("chat")
    copy_program(folder / "program")
    stack, edited = Workspace(folder, "dev"), Edited()
    stack.ok("config", "set", "--path", "scanners[0]", "bandit")
    buttons(AGAIN)(stack)

    def step(name: str, *options: str) -> None:
        stack.ok("up", "--yes", "--skip-preview", *options)
        edited.sent[name] = stack.chat.calls()
        edited.wrong[name] = differences(stack)

    step("first")
    for name, (edit, _) in EDITS.items():
        edit(stack)
        step(name)
    step("another guardrail", "--replace", "**::gate-guardrail")

    stack.chat.tamper(GATE, GuardrailPolicies=["arn:aws:iam::aws:policy/AdministratorAccess"])
    attached = stack.chat.resources[CONFIGURATION_ARN]["CustomizationResourceArns"]
    stack.chat.tamper(GATE, CustomizationResourceArns=attached[1:])
    stack.chat.tamper(f"{GATE}-approve", Definition={"CommandText": "s3 ls"})
    step("changed by hand", "--refresh")
    stack.chat.forget(f"{GATE}-reject")
    step("repaired", *REPAIR)
    stack.ok("destroy", "--yes", "--skip-preview")
    edited.wrong["destroyed"] = sorted(stack.chat.resources)
    return edited


def differences(stack: Workspace) -> list[str]:
    """The names of resources that are not as the program declares them."""
    declared = {
        item["id"]: json.loads(item["inputs"]["desiredState"])
        for item in stack.resources
        if item["type"] == "aws:cloudcontrol/resource:Resource"
    }
    actual = stack.chat.resources
    return sorted(
        arn.rsplit("/", 1)[1]
        for arn in declared.keys() | actual.keys()
        if unordered(declared.get(arn)) != unordered(actual.get(arn))
    )


def unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unordered(member) for key, member in value.items()}
    return sorted(map(str, map(unordered, value))) if isinstance(value, list) else value


def comparable(calls: list[Any], expected: list[Any]) -> list[Any]:
    """The calls in the form of ``EDITS``; values that differ from stack to stack are left out."""
    any_value = {
        (name, path)
        for _, name, operations in expected
        for _, path, value in operations or []
        if value is None
    }
    rows = [
        [
            verb,
            name,
            operations
            and sorted(
                (
                    item["op"],
                    item["path"],
                    None if (name, item["path"]) in any_value else item.get("value"),
                )
                for item in operations
            ),
        ]
        for verb, name, operations in calls
    ]
    return sorted(rows, key=lambda row: row[1] if row[0] == "update" else "")


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_sends_only_what_it_changes(edited: Edited, edit: str):
    _, expected = EDITS[edit]

    assert comparable(edited.sent[edit], expected) == expected


@pytest.mark.parametrize("step", ["first", *EDITS, "another guardrail", "repaired"])
def test_after_each_step_channel_and_buttons_are_as_declared(edited: Edited, step: str):
    assert edited.wrong[step] == []


def test_another_guardrail_changes_the_channel_in_place(edited: Edited):
    [[verb, name, [operation]]] = edited.sent["another guardrail"]

    assert (verb, name) == ("update", GATE)
    assert (operation["op"], operation["path"]) == ("replace", "/GuardrailPolicies/0")


def test_pulumi_does_not_see_what_was_changed_by_hand(edited: Edited):
    """That is why preflight compares channel and buttons."""
    assert edited.sent["changed by hand"] == []
    assert edited.wrong["changed by hand"] == [GATE, f"{GATE}-approve"]


def test_the_repair_replaces_the_channel_and_all_buttons(edited: Edited):
    """A button is deleted when no channel lists it, and created before one does."""
    sent = [(verb, name) for verb, name, _ in edited.sent["repaired"]]
    named = {f"{GATE}-{button}" for button in BUTTONS}

    assert sent[0] == ("delete", GATE)
    assert sent[-1] == ("create", GATE)
    assert sorted(sent[1:-1]) == sorted((verb, n) for verb in ("create", "delete") for n in named)


def test_destroy_leaves_nothing_in_the_chat_service(edited: Edited):
    assert edited.wrong["destroyed"] == []
