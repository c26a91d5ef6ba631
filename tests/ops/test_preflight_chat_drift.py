"""Whether preflight sees each property of channel and buttons that was changed in AWS."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ops.preflight import chat_drift
from ops.preflight.comparison import differences
from ops.preflight.environment import CHAT_REGION
from ops.preflight.finding import Finding, Level
from ops.preflight.slack import ACTION, repair
from ops.program import ACCOUNT, PROGRAM, REGION
from tests.support.aws_answers import Answers, its

GATE = "chatops-slack-dev-gate"
# As the service describes a channel that `pulumi up` made; suffixes are Pulumi's.
CHANNEL = {
    "SlackTeamName": "acme",
    "SlackTeamId": "T0000000000",
    "SlackChannelId": "C0000000000",
    "SlackChannelName": "releases",
    "ChatConfigurationArn": f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/{GATE}",
    "ConfigurationName": GATE,
    "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{GATE}-channel-0a1b2",
    "SnsTopicArns": [f"arn:aws:sns:{REGION}:{ACCOUNT}:{GATE}-notifications-0a1b2"],
    "GuardrailPolicyArns": [f"arn:aws:iam::{ACCOUNT}:policy/{GATE}-guardrail-0a1b2"],
    "LoggingLevel": "INFO",
    "UserAuthorizationRequired": False,
}
FUNCTIONS = {f"gate-{name}": f"{GATE}-{name}-0a1b2" for name in ("approval", "rescan")}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterable[Answers]:
    answers = Answers(monkeypatch)
    yield answers
    answers.all_given()


def buttons() -> dict[str, dict[str, Any]]:
    """The buttons as the service describes them, by the ends of their names."""
    made = {}
    for action in its().desired(ACTION):
        text = json.dumps({key: action[key] for key in ("ActionName", "Definition", "Attachments")})
        for recorded, real in FUNCTIONS.items():
            text = text.replace(f'"{recorded}"', f'"{real}"')
        made[action["ActionName"].removeprefix(f"{GATE}-")] = json.loads(text)
    return made


def findings(
    aws: Answers,
    channel: Mapping[str, Any],
    actions: Mapping[str, dict[str, Any] | None],
    state: Sequence[dict[str, Any]] = (),
) -> list[Finding]:
    """The findings if AWS has this, and Pulumi's state has these resources."""
    aws.give(
        "chatbot",
        "describe_slack_channel_configurations",
        {"SlackChannelConfigurations": [channel]},
        CHAT_REGION,
    )
    for name, action in actions.items():
        arn = f"arn:aws:chatbot::{ACCOUNT}:custom-action/{GATE}-{name}"
        if action is None:
            aws.refuse(
                "chatbot", "get_custom_action", "ResourceNotFoundException", region=CHAT_REGION
            )
        else:
            answer = {"CustomAction": {"CustomActionArn": arn, **action}}
            aws.give("chatbot", "get_custom_action", answer, CHAT_REGION, CustomActionArn=arn)
    return list(chat_drift.drift(replace(its(deployed=True), state=state)))


def in_state(name: str, **changed: Any) -> dict[str, Any]:
    """A resource in Pulumi's state, as it is now in the program but for what ``changed``."""
    [resource] = [
        item for item in its().resources if item.name == name and "desiredState" in item.inputs
    ]
    inputs = {**resource.inputs, "desiredState": json.dumps({**resource.desired, **changed})}
    return {"type": resource.kind, "urn": f"urn:pulumi:dev::{resource.name}", "inputs": inputs}


def test_channel_and_buttons_as_declared_are_fine(aws: Answers):
    [finding] = findings(aws, CHANNEL, buttons())

    assert finding.level == Level.FINE
    assert finding.what == "channel and 9 buttons are as the program declares them"


def test_what_the_service_leaves_out_counts_as_its_default(aws: Answers):
    without = {key: value for key, value in CHANNEL.items() if key != "UserAuthorizationRequired"}

    assert [finding.level for finding in findings(aws, without, buttons())] == [Level.FINE]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SlackTeamId", "T9999999999"),
        ("SlackChannelId", "C9999999999"),
        ("IamRoleArn", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("IamRoleArn", f"arn:aws:iam::{ACCOUNT}:role/{GATE}-approval-0a1b2"),
        ("SnsTopicArns", []),
        ("SnsTopicArns", [*CHANNEL["SnsTopicArns"], f"arn:aws:sns:{REGION}:{ACCOUNT}:other"]),
        ("GuardrailPolicyArns", []),
        ("GuardrailPolicyArns", [ADMINISTRATOR]),
        ("GuardrailPolicyArns", [*CHANNEL["GuardrailPolicyArns"], ADMINISTRATOR]),
        ("LoggingLevel", "NONE"),
        ("UserAuthorizationRequired", True),
    ],
)
def test_each_property_of_the_channel_that_was_changed_is_named(aws: Answers, key: str, value: Any):
    [finding] = findings(aws, {**CHANNEL, key: value}, buttons())

    assert finding.level == Level.FAILED
    named = value[0] if isinstance(value, list) and len(value) == 1 else value
    assert finding.what == f"configuration {GATE}: {key} is {named!r}"
    assert finding.fix.endswith(
        "pulumi up --stack dev --target-replace '**aws:cloudcontrol/resource:Resource::gate-**'"
    )


def changed_button(**changed: Any) -> dict[str, Any]:
    approve = buttons()["approve"]
    [attachment] = approve["Attachments"]
    return {**approve, "Attachments": [{**attachment, **changed}]}


APPROVE = buttons()["approve"]["Attachments"][0]


@pytest.mark.parametrize(
    ("action", "what"),
    [
        (changed_button(ButtonText="Reject"), "Attachments.ButtonText is 'Reject'"),
        (
            changed_button(Variables={**APPROVE["Variables"], "Days": "event.metadata.x"}),
            "Attachments.Variables.Days is 'event.metadata.x'",
        ),
        (
            changed_button(Criteria=[{**APPROVE["Criteria"][0], "Value": "other"}]),
            "Attachments.Criteria.Value is 'other'",
        ),
        (
            changed_button(Criteria=APPROVE["Criteria"] * 2),
            f"Attachments.Criteria is {APPROVE['Criteria'] * 2}",
        ),
        (
            {**buttons()["approve"], "Definition": {"CommandText": "s3 ls"}},
            "Definition.CommandText is 's3 ls'",
        ),
        ({**buttons()["approve"], "AliasName": "ok"}, "AliasName is 'ok'"),
        ({**buttons()["approve"], "Attachments": []}, "Attachments is []"),
    ],
    ids=["label", "variable", "function", "criteria", "command", "alias", "attachment"],
)
def test_each_property_of_a_button_that_was_changed_is_named(
    aws: Answers, action: dict[str, Any], what: str
):
    [finding] = findings(aws, CHANNEL, {**buttons(), "approve": action})

    assert finding.what == f"custom action {GATE}-approve: {what}"


def test_a_button_that_is_gone_is_named(aws: Answers):
    [finding] = findings(aws, CHANNEL, {**buttons(), "reject": None}, [in_state("gate-reject")])

    assert finding.level == Level.FAILED
    assert finding.what == f"custom action {GATE}-reject: it is missing"


def test_a_button_that_is_to_be_made_is_no_error(aws: Answers):
    [finding] = findings(aws, CHANNEL, {**buttons(), "reject": None})

    assert finding.level == Level.WARNING
    assert finding.what == (
        f"custom action {GATE}-reject: it is missing, which `pulumi up` will change"
    )


@pytest.mark.parametrize(
    ("level_then", "level"),
    [("ERROR", Level.WARNING), ("NONE", Level.FAILED)],
    ids=["only the settings were edited", "somebody changed it, too"],
)
def test_an_edit_that_pulumi_up_will_make_is_no_error(aws: Answers, level_then: str, level: Level):
    """The workflow that deploys asks preflight first."""
    state = [in_state("gate-channel", LoggingLevel=level_then)]

    [finding] = findings(aws, {**CHANNEL, "LoggingLevel": "ERROR"}, buttons(), state)

    assert (finding.level, "LoggingLevel is 'ERROR'" in finding.what) == (level, True)


def test_each_change_is_a_finding_of_its_own(aws: Answers):
    changed = {**CHANNEL, "LoggingLevel": "ERROR", "GuardrailPolicyArns": [ADMINISTRATOR]}

    assert len(findings(aws, changed, {**buttons(), "reject": None})) == 3


def test_the_docs_have_the_command_that_repairs():
    assert repair("prod") in (PROGRAM / "docs" / "operations.md").read_text()


def test_before_the_first_up_there_is_nothing_to_compare():
    assert list(chat_drift.drift(its(deployed=False))) == []


@pytest.mark.parametrize(
    ("expected", "actual", "differs"),
    [
        (["a", "b"], ["b", "a"], []),
        (["a", "b"], ["a", "c"], ["x is ['a', 'c']"]),
        (["a"], ["a", "b"], ["x is ['a', 'b']"]),
    ],
)
def test_the_order_of_an_array_does_not_matter(
    expected: list[str], actual: list[str], differs: list[str]
):
    assert list(differences({"x": expected}, {"x": actual}, its())) == differs
