import json
import re
import runpy
from typing import Any

import pytest
import yaml

from components.approval import Approval, ApprovalArgs
from components.buttons import OUTCOMES, TeamButton
from tests.components.recording import ACCOUNT, PROGRAM, PROJECT, REGION, Built, build

LONGEST_STACK = "a23456789-123456"
TICKET_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:open-ticket"
MACHINES = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:chatops-slack-dev-pipeline-*"
EXECUTIONS = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:chatops-slack-dev-pipeline-*:*"
TEAM = (
    TeamButton(label="Scan again", outcomes=("broken", "ended"), function="scan-again"),
    TeamButton(label="Open ticket", outcomes=("failed", "broken"), function=TICKET_ARN),
)


def approval(**changed: Any) -> Built:
    settings = {
        "account": ACCOUNT,
        "region": REGION,
        "action_prefix": "chatops-slack-dev",
        "sender": "security@example.com",
        "create_sender": True,
        "recipients": ("developers@example.com", "lead@example.com"),
        "app_recipients": {"payments": ("payments@example.com",)},
        "uploader_domains": ("example.com",),
        "mention": "",
        "exception_seconds": 3600,
        "max_exception_seconds": 7200,
        "team_buttons": TEAM,
        "log_days": 30,
        "key_arn": "arn:key",
        "uploads_arn": "arn:aws:s3:::uploads",
        "artifacts": "artifacts",
        "artifacts_arn": "arn:aws:s3:::artifacts",
        "work": "work",
        "work_arn": "arn:aws:s3:::work",
        "state_machines": MACHINES,
    }
    return build(lambda: Approval("approval", ApprovalArgs(**{**settings, **changed})))


@pytest.fixture(scope="module")
def built() -> Built:
    return approval()


def test_the_approval_function_writes_decisions_and_wakes_the_state_machine(built: Built):
    assert built.rights("approval") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::work/waiting/*",
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/decision.json",
                "arn:aws:s3:::artifacts/scans/*/withdrawal.json",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/decision.json",
                "arn:aws:s3:::artifacts/scans/*/withdrawal.json",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::artifacts", "arn:aws:s3:::work"],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucketVersions"],
            "Resource": ["arn:aws:s3:::uploads"],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": ["arn:key"],
        },
        {"Effect": "Allow", "Action": ["states:SendTaskSuccess"], "Resource": ["*"]},
        {
            "Effect": "Allow",
            "Action": ["states:DescribeExecution"],
            "Resource": [EXECUTIONS],
        },
    ]


def test_rescan_reads_evidence_and_starts_this_stacks_state_machine_only(built: Built):
    assert built.rights("rescan") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/verdict.json",
            ],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::artifacts"]},
        {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["arn:key"]},
        {"Effect": "Allow", "Action": ["states:StartExecution"], "Resource": [MACHINES]},
        {
            "Effect": "Allow",
            "Action": ["states:DescribeExecution"],
            "Resource": [EXECUTIONS],
        },
    ]


def test_announce_reads_evidence_and_mails_as_the_one_sender(built: Built):
    assert built.rights("announce") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/report.json",
                "arn:aws:s3:::artifacts/scans/*/verdict.json",
                "arn:aws:s3:::artifacts/scans/*/decision.json",
                "arn:aws:s3:::artifacts/scans/*/withdrawal.json",
                "arn:aws:s3:::artifacts/scans/*/pressed/*.json",
            ],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::artifacts"]},
        {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["arn:key"]},
        {
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": [
                f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/*",
                f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/chatops-slack-dev",
            ],
            "Condition": {"StringEquals": {"ses:FromAddress": "security@example.com"}},
        },
    ]


def environment(built: Built, name: str) -> dict[str, str]:
    return built.one("lambda/function:Function", name).inputs["environment"]["variables"]


def test_each_function_is_told_what_its_handler_reads(built: Built):
    assert environment(built, "approval") == {
        "ARTIFACTS_BUCKET": "artifacts",
        "WORK_BUCKET": "work",
        "EXCEPTION_SECONDS": "3600",
        "MAX_EXCEPTION_SECONDS": "7200",
    }
    assert environment(built, "rescan") == {"ARTIFACTS_BUCKET": "artifacts"}
    told = environment(built, "announce")
    parsed = ("RECIPIENTS", "UPLOADER_DOMAINS", "TEAM_BUTTONS")
    assert {key: json.loads(told[key]) if key in parsed else told[key] for key in told} == {
        "ARTIFACTS_BUCKET": "artifacts",
        "SENDER": "security@example.com",
        "CONFIGURATION_SET": "chatops-slack-dev",
        "RECIPIENTS": {
            "": ["developers@example.com", "lead@example.com"],
            "payments": ["payments@example.com"],
        },
        "UPLOADER_DOMAINS": ["example.com"],
        "ESCALATION_MENTION": "",
        "APPROVAL_FUNCTION": "approval",
        "TEAM_BUTTONS": {
            "Team1": {"function": "rescan", "outcomes": ["broken", "ended"], "again": True},
            "Team2": {"function": TICKET_ARN, "outcomes": ["failed", "broken"], "again": False},
        },
    }


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
def test_who_is_called_is_called_as_slack_has_it(who: str, mention: str):
    assert environment(approval(mention=who), "announce")["ESCALATION_MENTION"] == mention


@pytest.mark.parametrize("name", ["approval", "rescan"])
def test_a_button_is_answered_before_slack_gives_up(built: Built, name: str):
    assert built.one("lambda/function:Function", name).inputs["timeout"] < 15


def test_the_sender_is_verified_only_where_it_is_not_yet():
    def senders(built: Built) -> list[dict[str, Any]]:
        return [each.inputs for each in built.all("sesv2/emailIdentity:EmailIdentity")]

    assert senders(approval(create_sender=True)) == [{"emailIdentity": "security@example.com"}]
    assert senders(approval(create_sender=False)) == []


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
}
# What a card names; the team's own function is known by its ARN, too long for a criterion.
CALLS = {"team-1": "rescan", "team-2": None}


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_shows_on_cards_that_name_its_function_and_asks_what_it_must(
    built: Built, action: str
):
    label, key, payload, asks = BUTTONS[action]
    function = CALLS.get(action, "approval")
    resource = built.one("cloudcontrol/resource:Resource", action)
    bound = "event.metadata.additionalContext."

    assert resource.inputs["typeName"] == "AWS::Chatbot::CustomAction"
    assert resource.desired == {
        "ActionName": f"chatops-slack-dev-{action}",
        "Attachments": [
            {
                "ButtonText": label,
                "NotificationType": "Custom",
                "Variables": {
                    "F": bound + key,
                    "R": bound + "Region",
                    "S": bound + "Scan",
                    **{each: bound + each for each in asks},
                },
                "Criteria": [
                    {"Operator": "EQUALS", "VariableName": "F", "Value": function}
                    if function
                    else {"Operator": "HAS_VALUE", "VariableName": "F"},
                    {"Operator": "HAS_VALUE", "VariableName": "S"},
                ],
            }
        ],
        "Definition": {
            "CommandText": f"lambda invoke --function-name $F --region $R --payload {payload}"
        },
        "Tags": [{"Key": "Name", "Value": f"chatops-slack-dev-{action}"}],
    }


def test_what_a_button_asks_is_on_no_card(monkeypatch):
    """People are asked for what no card binds; else they would never be."""
    button = {"function": "f", "outcomes": OUTCOMES}
    shown = {f"Team{place}": button for place in range(1, 6)}
    for key, value in {
        "AWS_REGION": REGION,
        "APPROVAL_FUNCTION": "approval",
        "TEAM_BUTTONS": json.dumps(shown),
    }.items():
        monkeypatch.setenv(key, value)
    buttons = runpy.run_path(str(PROGRAM / "handlers" / "buttons.py"))
    context = {key for outcome in OUTCOMES for key in buttons["of"](outcome, "payments/v1")}

    # And each button's function is under its key on some card.
    assert {key for _, key, *_ in BUTTONS.values()} <= context
    assert {"Region", "Scan"} <= context
    assert not context & {"Reason", "Days"}


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_keeps_within_the_services_limits_for_the_longest_stack(action: str):
    desired = (
        approval(action_prefix=f"{PROJECT}-{LONGEST_STACK}")
        .one("cloudcontrol/resource:Resource", action)
        .desired
    )
    [attachment] = desired["Attachments"]
    bound, command = attachment["Variables"], desired["Definition"]["CommandText"]

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", desired["ActionName"])
    # Function and region are variables: no name and no region makes the command longer.
    assert len(command) <= 100
    assert set(re.findall(r"\$(\w+)", command)) == set(bound)
    assert len(attachment["ButtonText"]) <= 20
    assert 1 <= len(bound) <= 5
    assert 1 <= len(attachment["Criteria"]) <= 5
    assert {each["VariableName"] for each in attachment["Criteria"]} <= set(bound)
    payload = json.loads(command.split(" --payload ")[1])
    assert payload["scan"] == "$S"


@pytest.mark.parametrize("function", ["approval", "rescan"])
def test_a_function_that_criteria_name_is_short_enough_in_the_longest_stack(
    built: Built, function: str
):
    """A criterion's value has at most 50 characters, and names come from the autonaming pattern."""
    pattern = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]
    name = pattern["value"]["pattern"]
    for hole, filled in {
        "${project}": PROJECT,
        "${stack}": LONGEST_STACK,
        "${name}": built.one("lambda/function:Function", function).name,
        "${hex(7)}": "0123456",
    }.items():
        assert hole in name
        name = name.replace(hole, filled)

    assert "$" not in name
    assert len(name) <= 50


def test_without_buttons_of_the_team_there_are_ours():
    built = approval(team_buttons=())

    assert [each.name for each in built.all("cloudcontrol/resource:Resource")] == [
        "approve",
        "reject",
        "withdraw",
    ]
    assert environment(built, "announce")["TEAM_BUTTONS"] == "{}"
