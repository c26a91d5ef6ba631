import re
from typing import Any

import pytest
import yaml

from components.approval import BUTTONS, COMMAND, Approval, ApprovalArgs
from tests.components.recording import ACCOUNT, PROGRAM, PROJECT, REGION, Built, build

LONGEST_STACK = "a23456789-123456"


def approval(**changed: Any) -> Built:
    settings = {
        "account": ACCOUNT,
        "region": REGION,
        "action_prefix": "chatops-slack-dev",
        "sender": "security@example.com",
        "create_sender": True,
        "recipients": ("developers@example.com", "lead@example.com"),
        "exception_seconds": 3600,
        "log_days": 30,
        "key_arn": "arn:key",
        "artifacts": "artifacts",
        "artifacts_arn": "arn:aws:s3:::artifacts",
    }
    return build(lambda: Approval("approval", ApprovalArgs(**{**settings, **changed})))


@pytest.fixture(scope="module")
def built() -> Built:
    return approval()


def own_rights(built: Built, name: str) -> list[dict[str, Any]]:
    """What the function may do besides writing its own logs and traces."""
    logs, traces, *rest = built.one("iam/rolePolicy:RolePolicy", name).policy()
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert traces["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    return rest


def test_the_approval_function_writes_decisions_and_wakes_the_state_machine(built: Built):
    assert own_rights(built, "approval") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/waiting/*",
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/decision.json",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": ["arn:aws:s3:::artifacts/scans/*/decision.json"],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::artifacts"]},
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": ["arn:key"],
        },
        {"Effect": "Allow", "Action": ["states:SendTaskSuccess"], "Resource": ["*"]},
    ]


def test_announce_reads_evidence_and_mails_as_the_one_sender(built: Built):
    assert own_rights(built, "announce") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [
                "arn:aws:s3:::artifacts/scans/*/scan.json",
                "arn:aws:s3:::artifacts/scans/*/report.json",
                "arn:aws:s3:::artifacts/scans/*/decision.json",
                "arn:aws:s3:::artifacts/scans/*/pressed/*.json",
            ],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::artifacts"]},
        {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["arn:key"]},
        {
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": [f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/*"],
            "Condition": {"StringEquals": {"ses:FromAddress": "security@example.com"}},
        },
    ]


def test_each_function_is_told_what_its_handler_reads(built: Built):
    def environment(name: str) -> dict[str, str]:
        return built.one("lambda/function:Function", name).inputs["environment"]["variables"]

    assert environment("approval") == {"ARTIFACTS_BUCKET": "artifacts", "EXCEPTION_SECONDS": "3600"}
    assert environment("announce") == {
        "ARTIFACTS_BUCKET": "artifacts",
        "SENDER": "security@example.com",
        "RECIPIENTS": '["developers@example.com", "lead@example.com"]',
    }


def test_approval_answers_before_slack_gives_up(built: Built):
    assert built.one("lambda/function:Function", "approval").inputs["timeout"] < 15


def test_the_sender_is_verified_only_where_it_is_not_yet():
    def senders(built: Built) -> list[dict[str, Any]]:
        return [each.inputs for each in built.all("sesv2/emailIdentity:EmailIdentity")]

    assert senders(approval(create_sender=True)) == [{"emailIdentity": "security@example.com"}]
    assert senders(approval(create_sender=False)) == []


@pytest.mark.parametrize(("verb", "label"), [("approve", "Approve"), ("reject", "Reject")])
def test_a_button_shows_on_waiting_cards_of_this_stack_and_asks_for_a_reason(
    built: Built, verb: str, label: str
):
    resource = built.one("cloudcontrol/resource:Resource", verb)

    assert resource.inputs["typeName"] == "AWS::Chatbot::CustomAction"
    assert resource.desired == {
        "ActionName": f"chatops-slack-dev-{verb}",
        "Attachments": [
            {
                "ButtonText": label,
                "NotificationType": "Custom",
                "Variables": {
                    "Fn": "event.metadata.additionalContext.Fn",
                    "Region": "event.metadata.additionalContext.Region",
                    "Scan": "event.metadata.additionalContext.Scan",
                    "Reason": "event.metadata.additionalContext.Reason",
                },
                "Criteria": [
                    {"Operator": "EQUALS", "VariableName": "Fn", "Value": "approval"},
                    {"Operator": "HAS_VALUE", "VariableName": "Scan"},
                ],
            }
        ],
        "Definition": {
            "CommandText": "lambda invoke --function-name $Fn --region $Region "
            f'--payload {{"scan":"$Scan","{verb}":"$Reason"}}'
        },
        "Tags": [{"Key": "Name", "Value": f"chatops-slack-dev-{verb}"}],
    }


@pytest.mark.parametrize("verb", BUTTONS)
def test_a_button_keeps_within_the_services_limits_for_the_longest_stack(verb: str):
    action = approval(action_prefix=f"{PROJECT}-{LONGEST_STACK}").one(
        "cloudcontrol/resource:Resource", verb
    )
    attachment = action.desired["Attachments"][0]
    bound = attachment["Variables"]

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", action.desired["ActionName"])
    # Function and region are variables: no name and no region makes the command longer.
    assert len(action.desired["Definition"]["CommandText"]) <= 100
    assert set(re.findall(r"\$(\w+)", COMMAND)) == set(bound)
    assert len(attachment["ButtonText"]) <= 20
    assert 1 <= len(bound) <= 5
    assert 1 <= len(attachment["Criteria"]) <= 5
    assert {each["VariableName"] for each in attachment["Criteria"]} <= set(bound)


def test_the_function_that_the_criteria_name_is_short_enough_in_the_longest_stack(built: Built):
    """A criterion's value has at most 50 characters, and names come from the autonaming pattern."""
    pattern = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]["pulumi:autonaming"]
    name = pattern["value"]["pattern"]
    for hole, filled in {
        "${project}": PROJECT,
        "${stack}": LONGEST_STACK,
        "${name}": built.one("lambda/function:Function", "approval").name,
        "${hex(7)}": "0123456",
    }.items():
        assert hole in name
        name = name.replace(hole, filled)

    assert "$" not in name
    assert len(name) <= 50


def test_the_channel_gets_both_buttons_by_their_arns():
    arns: list[str] = []

    def make() -> None:
        args = ApprovalArgs(
            account=ACCOUNT,
            region=REGION,
            action_prefix="p",
            sender="a@example.com",
            create_sender=False,
            recipients=("a@example.com",),
            exception_seconds=1,
            log_days=1,
            key_arn="arn:key",
            artifacts="a",
            artifacts_arn="arn:a",
        )
        for each in Approval("approval", args).actions:
            each.apply(arns.append)

    build(make)

    assert sorted(arns) == ["arn:aws:cloudcontrol:::approve", "arn:aws:cloudcontrol:::reject"]
