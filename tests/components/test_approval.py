import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import yaml

from components.buttons import OUTCOMES, TEAM_BUTTONS, TeamButton
from components.scan_project import Scanners
from components.sender import dns_records
from components.upload_gate import UploadGate, UploadGateArgs
from handlers.buttons import Buttons
from tests.support.recording import PROGRAM, PROJECT, REGION, Built, build, gate, program

LONGEST_STACK = "a23456789-123456"
TICKET_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:open-ticket"
DECLARED_TICKET = {"label": "Open ticket", "outcomes": ["failed"], "function": TICKET_ARN}
TEAM = (
    TeamButton(label="Scan again", outcomes=("error", "approval-expired"), function="scan-again"),
    TeamButton(label="Open ticket", outcomes=("failed", "error"), function=TICKET_ARN),
)


def approval(**changed: Any) -> Built:
    settings = {
        "recipients": ("developers@example.com", "lead@example.com"),
        "app_recipients": {"payments": ("payments@example.com",)},
        "uploader_domains": ("example.com",),
        "failure_emails": "recipients",
        "exception_seconds": 3600,
        "max_exception_seconds": 7200,
        "custom_actions": TEAM,
    }
    return gate(**{**settings, **changed})


@pytest.fixture(scope="module")
def built() -> Built:
    return approval()


@pytest.fixture(scope="module")
def longest() -> Built:
    return program(LONGEST_STACK, customActions=[DECLARED_TICKET, DECLARED_TICKET])


def test_each_function_gets_the_environment_that_its_handler_reads(built: Built):
    assert built.variables("gate-approval") == {
        "ARTIFACTS_BUCKET": "gate-artifacts",
        "STATE_BUCKET": "gate-state",
        "EXCEPTION_SECONDS": "3600",
        "MAX_EXCEPTION_SECONDS": "7200",
        "STORED_DAYS": "90",
        "APPROVALS": "1",
    }
    assert built.variables("gate-rescan") == {"ARTIFACTS_BUCKET": "gate-artifacts"}
    variables = built.variables("gate-notify")
    parsed = ("RECIPIENTS", "UPLOADER_DOMAINS", "TEAM_BUTTONS")
    assert {
        key: json.loads(variables[key]) if key in parsed else variables[key] for key in variables
    } == {
        "ARTIFACTS_BUCKET": "gate-artifacts",
        "SENDER": "security@example.com",
        "CONFIGURATION_SET": "chatops-slack-dev-gate",
        "RECIPIENTS": {
            "": ["developers@example.com", "lead@example.com"],
            "payments": ["payments@example.com"],
        },
        "UPLOADER_DOMAINS": ["example.com"],
        "FAILURE_EMAILS": "recipients",
        "ESCALATION_MENTION": "",
        "APPROVALS": "1",
        "APPROVAL_COVERS": "version",
        "STATE_BUCKET": "gate-state",
        "SELF_APPROVAL": "warn",
        "PEOPLE": "{}",
        "APPROVAL_FUNCTION": "gate-approval",
        "TEAM_BUTTONS": {
            "Team1": {
                "function": "gate-rescan",
                "outcomes": ["error", "approval-expired"],
                "again": True,
            },
            "Team2": {"function": TICKET_ARN, "outcomes": ["failed", "error"], "again": False},
        },
    }


def test_an_address_that_is_named_twice_gets_one_email():
    built = approval(
        recipients=("developers@example.com", "lead@example.com", "Developers@Example.COM"),
        app_recipients={"payments": ("a@example.com", "a@example.com")},
    )

    assert json.loads(built.variables("gate-notify")["RECIPIENTS"]) == {
        "": ["developers@example.com", "lead@example.com"],
        "payments": ["a@example.com"],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "mention"),
    [
        ("", ""),
        ("here", "<!here>"),
        ("channel", "<!channel>"),
        ("U0123456789", "<@U0123456789>"),
        ("W0123456789", "<@W0123456789>"),
        ("S0123456789", "<!subteam^S0123456789>"),
    ],
)
def test_a_mention_has_the_syntax_of_slack(who: str, mention: str):
    assert (
        approval(escalation_mention=who).variables("gate-notify")["ESCALATION_MENTION"] == mention
    )


@pytest.mark.parametrize("name", ["approval", "rescan"])
def test_a_button_responds_before_the_timeout_of_slack(built: Built, name: str):
    assert built.one("lambda/function:Function", f"gate-{name}").inputs["timeout"] < 15


@pytest.mark.slow
def test_the_email_identity_is_created_only_if_the_setting_says_so():
    def senders(built: Built) -> list[dict[str, Any]]:
        return [identity.inputs for identity in built.all("sesv2/emailIdentity:EmailIdentity")]

    assert senders(approval(create_email_identity=True)) == [
        {"emailIdentity": "security@example.com"}
    ]
    assert senders(approval(create_email_identity=False)) == []


def test_an_identity_of_the_domain_is_signed_and_its_dns_records_are_an_output():
    built = approval(sender_domain="example.com")

    [identity] = built.all("sesv2/emailIdentity:EmailIdentity")
    assert identity.inputs == {
        "emailIdentity": "example.com",
        "dkimSigningAttributes": {"nextSigningKeyLength": "RSA_2048_BIT"},
    }


def test_the_dns_records_of_the_domain_are_lines_of_a_zone_file():
    """Ready to paste; a domain may have one DMARC record only, so that one is a comment."""
    records = program("dev", senderDomain="example.com").outputs["senderDnsRecords"].splitlines()

    assert records[:3] == [
        f"{token}._domainkey.example.com. 1800 IN CNAME {token}.dkim.amazonses.com."
        for token in ("token1", "token2", "token3")
    ]
    assert all(line.startswith(";") for line in records[3:])
    assert program("dev").outputs["senderDnsRecords"] == ""


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("eu-central-1", "dkim.amazonses.com"),
        ("eu-central-2", "dkim.eu-central-2.amazonses.com"),
        ("eu-south-1", "dkim.eu-south-1.amazonses.com"),
    ],
)
def test_some_regions_have_a_dkim_zone_of_their_own(region: str, zone: str):
    assert dns_records("example.com", ["t"], region).startswith(
        f"t._domainkey.example.com. 1800 IN CNAME t.{zone}.\n"
    )


BUTTONS = {
    "approve": (
        "Approve",
        "Decide",
        '{"scan":"$S","approve":["$Reason","$Days"]}',
        ["Reason", "Days"],
    ),
    "reject": ("Reject", "Decide", '{"scan":"$S","reject":"$Reason"}', ["Reason"]),
    "withdraw": ("Withdraw", "Withdraw", '{"scan":"$S","withdraw":"$Reason"}', ["Reason"]),
    "team-1": ("Scan again", "Team1", '{"scan":"$S"}', []),
    "team-2": ("Open ticket", "Team2", '{"scan":"$S"}', []),
    **{f"team-{n}": ("Unused", f"Team{n}", '{"scan":"$S"}', []) for n in (3, 4, 5)},
    "extend": (
        "Extend",
        "Extend",
        '{"scan":"$S","extend":["$Reason","$Days"]}',
        ["Reason", "Days"],
    ),
}
# A card has the function's name; a team's own function's ARN is too long for a criterion.
CALLS = {"team-1": "gate-rescan", **{f"team-{n}": None for n in (2, 3, 4, 5)}}


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_is_shown_on_cards_that_name_its_function_and_asks_for_missing_variables(
    built: Built, action: str
):
    label, key, payload, asks = BUTTONS[action]
    function = CALLS.get(action, "gate-approval")
    resource = built.one("cloudcontrol/resource:Resource", f"gate-{action}")
    bound = "event.metadata.additionalContext."

    assert resource.inputs["typeName"] == "AWS::Chatbot::CustomAction"
    assert resource.desired == {
        "ActionName": f"chatops-slack-dev-gate-{action}",
        "Attachments": [
            {
                "ButtonText": label,
                "NotificationType": "Custom",
                "Variables": {
                    "F": bound + key,
                    "At": bound + "Region",
                    "S": bound + "Scan",
                    **{ask: bound + ask for ask in asks},
                },
                "Criteria": [
                    {"Operator": "EQUALS", "VariableName": "F", "Value": function}
                    if function
                    else {"Operator": "HAS_VALUE", "VariableName": "F"}
                ],
            }
        ],
        "Definition": {
            "CommandText": f"lambda invoke --function-name $F --region $At --payload {payload}"
        },
        "Tags": [{"Key": "Name", "Value": f"chatops-slack-dev-gate-{action}"}],
    }


def test_the_variables_that_a_button_asks_for_are_on_no_card():
    """The service asks only for variables that the card does not set."""
    button = {"function": "f", "outcomes": OUTCOMES, "again": False}
    custom = {f"Team{place}": button for place in range(1, 6)}
    buttons = Buttons(region=REGION, approval_function="approval", custom=custom)
    context = {key for outcome in OUTCOMES for key in buttons.of(outcome, "payments/v1") or ()}

    # Each button's function is under its key on some card.
    assert {key for _, key, *_ in BUTTONS.values()} <= context
    assert {"Region", "Scan"} <= context
    assert not context & {"Reason", "Days"}


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_stays_within_the_limits_of_the_service_in_the_longest_stack(
    longest: Built, action: str
):
    desired = longest.one("cloudcontrol/resource:Resource", f"gate-{action}").desired
    [attachment] = desired["Attachments"]
    bound, command = attachment["Variables"], desired["Definition"]["CommandText"]

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", desired["ActionName"])
    # Function and region are variables, so no name and no region makes the command longer.
    assert len(command) <= 100
    assert set(re.findall(r"\$(\w+)", command)) == set(bound)
    assert len(attachment["ButtonText"]) <= 20
    assert 1 <= len(bound) <= 5
    assert 1 <= len(attachment["Criteria"]) <= 5
    assert {criterion["VariableName"] for criterion in attachment["Criteria"]} <= set(bound)
    payload = json.loads(command.split(" --payload ")[1])
    assert payload["scan"] == "$S"


def physical(name: str, stack: str) -> str:
    """The name of a resource of this project, by the autonaming pattern."""
    pattern = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]
    made = pattern["value"]["pattern"]
    for hole, filled in {
        "${project}": PROJECT,
        "${stack}": stack,
        "${name}": name,
        "${hex(5)}": "01234",
    }.items():
        assert hole in made
        made = made.replace(hole, filled)
    assert "$" not in made
    return made


@pytest.mark.parametrize("function", ["approval", "rescan"])
def test_function_names_in_criteria_fit_in_the_longest_stack(longest: Built, function: str):
    """A criterion's value has at most 50 characters."""
    made = longest.one("lambda/function:Function", f"gate-{function}")

    assert len(physical(made.name, LONGEST_STACK)) <= 50


def test_bucket_names_are_valid_in_the_longest_stack(longest: Built):
    for bucket in longest.all("s3/bucket:Bucket"):
        assert re.fullmatch(r"[a-z0-9-]{3,63}", physical(bucket.name, LONGEST_STACK))


def named(name: str) -> Built:
    args = UploadGateArgs(
        slack_workspace_id="T0000000000",
        slack_channel_id="C0000000000",
        sender="security@example.com",
        recipients=["developers@example.com"],
        scanners=Scanners(),
    )
    return build(lambda: UploadGate(name, args))


@pytest.mark.parametrize("name", ["a" * 42, "a" * 46], ids=["function", "button"])
def test_buttons_that_the_service_would_refuse_are_refused_before_deployment(name: str):
    with pytest.raises(Exception, match="shorten the gate's name"):
        named(name)


def test_the_channel_lists_the_same_buttons_whatever_the_team_declares():
    """Cloud Control removes by position from an array that the service returns in any order."""
    listed = {
        len(declared): chat(approval(custom_actions=declared))[-1]["CustomizationResourceArns"]
        for declared in ((), TEAM)
    }

    assert listed[0] == listed[2]
    assert len(listed[0]) == 4 + TEAM_BUTTONS


def test_no_other_array_of_the_chat_service_has_more_than_one_element(built: Built):
    arrays = [
        (path, array)
        for state in chat(built)
        for path, array in arrays_in(state)
        if path != "/CustomizationResourceArns"
    ]

    assert len(arrays) > 20
    assert [path for path, array in arrays if len(array) != 1] == []


def test_a_button_that_the_team_does_not_use_is_on_no_card():
    built = approval(custom_actions=())

    assert built.variables("gate-notify")["TEAM_BUTTONS"] == "{}"


def test_no_variable_of_a_button_begins_with_the_name_of_another(built: Built):
    """In which order the service substitutes is not documented, so no order may matter."""
    for action in BUTTONS:
        desired = built.one("cloudcontrol/resource:Resource", f"gate-{action}").desired
        command = desired["Definition"]["CommandText"]
        names = sorted(desired["Attachments"][0]["Variables"])
        texts = {substituted(command, order) for order in itertools.permutations(names)}

        assert len(texts) == 1
        assert "$" not in texts.pop()


def chat(built: Built) -> list[dict[str, Any]]:
    """The desired states of buttons and channel; the channel's is the last."""
    states = [resource.desired for resource in built.all("cloudcontrol/resource:Resource")]
    return sorted(states, key=lambda state: "ConfigurationName" in state)


def arrays_in(value: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list):
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in items:
        if isinstance(member, dict | list):
            yield from arrays_in(member, f"{path}/{key}")


def substituted(command: str, names: Iterable[str]) -> str:
    """The command with the variables replaced one after the other, as plain text."""
    for name in names:
        command = command.replace(f"${name}", f"<{name}>")
    return command
