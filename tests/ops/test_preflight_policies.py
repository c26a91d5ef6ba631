"""Whether preflight sees each change of a policy in AWS: of both buckets, and of the guardrail."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from ops.preflight import chat_drift, uploads
from ops.preflight.environment import CHAT_REGION
from ops.preflight.finding import Finding, Level
from ops.program import ACCOUNT, GATE, REGION
from tests.support.aws_answers import OUTPUTS, Answers, its

PREFIX = "chatops-slack-dev-gate"
GUARDRAIL = f"arn:aws:iam::{ACCOUNT}:policy/{PREFIX}-guardrail-0a1b2"
STRANGER = "arn:aws:iam::999999999999:root"
PIPELINE = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-pipeline-0123456"
UPLOADS = f"arn:aws:s3:::{OUTPUTS['uploadBucket']}"
# ARNs of the recorded program, and of the resources that `pulumi up` makes.
REAL = {
    r"arn:aws:s3:::gate-": f"arn:aws:s3:::{PREFIX}-",
    r"arn:aws:iam:::gate-": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-",
    r"arn:aws:lambda:::gate-": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterable[Answers]:
    answers = Answers(monkeypatch)
    yield answers
    answers.all_given()


def returned(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements as S3 returns them: real names, no lists of one, and lists in any order."""

    def collapsed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: collapsed(member) for key, member in value.items()}
        if isinstance(value, list):
            return value[0] if len(value) == 1 else value[::-1]
        return value

    text = json.dumps([collapsed(statement) for statement in reversed(written)])
    for recorded, real in REAL.items():
        text = re.sub(rf"{recorded}([\w-]+)", rf"{real}\1-0123456", text)
    return json.loads(text)


def of_bucket(label: str) -> list[dict[str, Any]]:
    return returned(uploads.bucket_policy(its(), label).policy())


def guard(
    aws: Answers, label: str, statements: list[dict[str, Any]], *stored: dict[str, Any]
) -> list[Finding]:
    """The findings that are not fine, if the bucket ``label`` has the policy ``statements``.

    ``stored`` are resources in Pulumi's state.
    """
    for other, output in uploads.BUCKETS.items():
        now = statements if other == label else of_bucket(other)
        policy = json.dumps({"Version": "2012-10-17", "Statement": now})
        aws.give("s3", "get_bucket_policy", {"Policy": policy}, Bucket=OUTPUTS[output])
    findings = list(uploads.bucket_policies(replace(its(deployed=True), state=stored)))
    return [finding for finding in findings if finding.level != Level.FINE]


@pytest.mark.parametrize("label", uploads.BUCKETS)
def test_a_bucket_policy_as_the_program_wrote_it_is_fine(aws: Answers, label: str):
    assert list(guard(aws, label, of_bucket(label))) == []


SIDS = [(label, item["Sid"]) for label in uploads.BUCKETS for item in of_bucket(label)]


@pytest.mark.parametrize(("label", "sid"), SIDS)
def test_each_statement_that_is_gone_fails(aws: Answers, label: str, sid: str):
    rest = [item for item in of_bucket(label) if item["Sid"] != sid]

    [finding] = guard(aws, label, rest)

    assert finding.level == Level.FAILED
    bucket = OUTPUTS[uploads.BUCKETS[label]]
    assert finding.what == f"the policy of {bucket}: {sid} is missing"
    assert finding.fix == "pulumi refresh --stack dev && pulumi up --stack dev"


@pytest.mark.parametrize(
    ("sid", "changed", "what"),
    [
        (
            "OnlyClearedIsRead",
            {"Resource": f"{UPLOADS}/public/*"},
            f"OnlyClearedIsRead.Resource is '{UPLOADS}/public/*'",
        ),
        (
            "OnlyClearedIsRead",
            {"Action": "s3:GetObject"},
            "OnlyClearedIsRead.Action is ['s3:GetObject']",
        ),
        (
            "OnlyThePipelineTags",
            {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": [PIPELINE, STRANGER]}}},
            "OnlyThePipelineTags.Condition.ArnNotEquals.aws:PrincipalArn is "
            f"{[PIPELINE, STRANGER]}",
        ),
        (
            "OnlyThePipelineTags",
            {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": PIPELINE.replace(ACCOUNT, "9")}}},
            "OnlyThePipelineTags.Condition.ArnNotEquals.aws:PrincipalArn is "
            f"'{PIPELINE.replace(ACCOUNT, '9')}'",
        ),
        ("OnlyZips", {"Effect": "Allow"}, "OnlyZips.Effect is 'Allow'"),
        ("OnlyZips", {"Principal": {"AWS": STRANGER}}, "OnlyZips.Principal is {"),
    ],
    ids=["resource", "action", "role", "account", "effect", "principal"],
)
def test_a_denial_that_was_weakened_fails(
    aws: Answers, sid: str, changed: dict[str, Any], what: str
):
    statements = of_bucket("uploads")
    [denial] = [item for item in statements if item["Sid"] == sid]
    denial.update(changed)

    [finding] = guard(aws, "uploads", statements)

    assert finding.level == Level.FAILED
    assert what in finding.what


@pytest.mark.parametrize("sid", ["Backup", "OnlyZips"], ids=["a new Sid", "the Sid of another"])
def test_a_statement_that_the_program_did_not_write_fails(aws: Answers, sid: str):
    stranger = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}

    [finding] = guard(aws, "uploads", [*of_bucket("uploads"), stranger])

    assert finding.level == Level.FAILED
    assert f"-uploads-0123456: {sid} is [" in finding.what


OTHER_DEPLOYER = {
    "Sid": "DeployersRead",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/former"},
    "Action": ["s3:GetObject"],
    "Resource": [f"{UPLOADS}/*"],
}


def in_state(statements: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The upload bucket's policy in Pulumi's state."""
    return {
        "urn": "urn:pulumi:dev::chatops-slack::x$aws:s3/bucketPolicy:BucketPolicy::gate-uploads",
        "type": "aws:s3/bucketPolicy:BucketPolicy",
        "inputs": {"policy": json.dumps({"Version": "2012-10-17", "Statement": statements})},
        **more,
    }


def test_what_the_next_update_changes_is_a_warning(aws: Answers):
    """Otherwise no edit of the deployers could be deployed where preflight comes first."""
    before = [*of_bucket("uploads"), OTHER_DEPLOYER]

    [finding] = guard(aws, "uploads", before, in_state(before[::-1]))

    assert finding.level == Level.WARNING
    assert ": DeployersRead is [" in finding.what
    assert "pulumi up" in finding.fix


@pytest.mark.parametrize(
    "stored",
    [
        in_state(of_bucket("uploads")),
        in_state([*of_bucket("uploads"), OTHER_DEPLOYER], delete=True),
        in_state([*of_bucket("uploads"), OTHER_DEPLOYER], type="aws:s3/bucket:Bucket"),
    ],
    ids=["before", "replaced", "another"],
)
def test_what_was_changed_since_the_last_update_fails(aws: Answers, stored: dict[str, Any]):
    [finding] = guard(aws, "uploads", [*of_bucket("uploads"), OTHER_DEPLOYER], stored)

    assert finding.level == Level.FAILED


def test_a_bucket_without_any_policy_fails_for_each_statement(aws: Answers):
    for _ in uploads.BUCKETS:
        aws.refuse("s3", "get_bucket_policy", "NoSuchBucketPolicy")

    findings = list(uploads.bucket_policies(its(deployed=True)))

    assert len(findings) == len(SIDS)
    assert {finding.level for finding in findings} == {Level.FAILED}


def test_before_up_there_is_no_policy_to_compare(aws: Answers):
    assert list(uploads.bucket_policies(its())) == []
    assert list(chat_drift.guardrail(its())) == []


# The guardrail


def guardrail(aws: Answers, statements: Any) -> list[Finding]:
    """The findings, if version 2 of the guardrail, the default one, has ``statements``."""
    configuration = {
        "SlackTeamName": "acme",
        "SlackChannelName": "releases",
        "SlackTeamId": "T0000000000",
        "SlackChannelId": "C0000000000",
        "ChatConfigurationArn": f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/x",
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-channel-0a1b2",
        "SnsTopicArns": [],
        "ConfigurationName": PREFIX,
        "GuardrailPolicyArns": [GUARDRAIL],
    }
    answer = {"SlackChannelConfigurations": [configuration]}
    aws.give("chatbot", "describe_slack_channel_configurations", answer, CHAT_REGION)
    document = quote(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    version = {"PolicyVersion": {"Document": document, "VersionId": "v2"}}
    aws.give("iam", "get_policy", {"Policy": {"DefaultVersionId": "v2"}}, PolicyArn=GUARDRAIL)
    aws.give("iam", "get_policy_version", version, PolicyArn=GUARDRAIL, VersionId="v2")
    return list(chat_drift.guardrail(its(deployed=True)))


def written_guardrail() -> list[dict[str, Any]]:
    [resource] = [item for item in its().resources if item.name == f"{GATE}-guardrail"]
    return returned(resource.policy())


def test_the_guardrail_that_the_program_wrote_is_fine(aws: Answers):
    [finding] = guardrail(aws, written_guardrail())

    assert finding.level == Level.FINE


@pytest.mark.parametrize("one", [True, False], ids=["replaced", "added"])
def test_a_new_version_of_the_guardrail_that_allows_more_fails(aws: Answers, one: bool):
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}

    first, *_ = guardrail(aws, anything if one else [*written_guardrail(), anything])

    assert first.level == Level.FAILED
    assert first.what.startswith(f"guardrail {GUARDRAIL} (v2): statement")
    assert "pulumi refresh" in first.fix
