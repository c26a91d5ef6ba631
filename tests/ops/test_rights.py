"""The policy of the deploy role: sufficient, and minimal."""

import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.configuration import configuration
from ops.program import ACCOUNT, PROGRAM, PROJECT, REGION
from ops.rights import UnknownType, policies, size, statements
from ops.rights_table import CLOUD_CONTROL, RIGHTS
from tests.support.recording import Built, program

# Actions that IAM cannot bind to a resource, by the Service Authorization Reference.
ANY_RESOURCE = {
    "chatbot:CreateCustomAction",
    "chatbot:CreateSlackChannelConfiguration",
    "chatbot:DescribeSlackChannelConfigurations",
    "chatbot:ListTagsForResource",
    "chatbot:TagResource",
    "chatbot:UntagResource",
    "cloudformation:CreateResource",
    "cloudformation:DeleteResource",
    "cloudformation:DescribeType",
    "cloudformation:GetResource",
    "cloudformation:GetResourceRequestStatus",
    "cloudformation:UpdateResource",
    "kms:CreateKey",
    "kms:TagResource",
    "logs:DescribeLogGroups",
    "ssm:DescribeParameters",
    "states:ValidateStateMachineDefinition",
}
# Where commands find the stacks of the account.
PARAMETERS = {
    f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/chatops-slack",
    f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/chatops-slack/*",
}
# boto3's names of services that have another name in IAM.
CLIENTS = {
    "ses": ["sesv2"],
    "states": ["stepfunctions"],
    "cloudformation": ["cloudformation", "cloudcontrol"],
}


@pytest.fixture(scope="module")
def everything() -> Built:
    """All resources that settings can add, and buckets that destroy may empty."""
    return program(
        "dev",
        vpcId="vpc-0a",
        vpcSubnets=["subnet-0a"],
        vpcSecurityGroups=["sg-0a"],
        recordApprover=True,
        evidenceLock="governance",
    )


def allowed(built: Built, stack: str = "dev") -> list[dict[str, Any]]:
    return statements(stack, built.aws, ACCOUNT, REGION)


def may(granted: list[dict[str, Any]], action: str, resource: str) -> bool:
    return any(
        action in statement["Action"]
        and any(fnmatchcase(resource, on) for on in statement["Resource"])
        for statement in granted
    )


def test_every_type_of_the_program_has_its_rights_and_no_other_has(everything: Built):
    by_cloud_control = everything.all("cloudcontrol/resource:Resource")
    kinds = {resource.kind.removeprefix("aws:") for resource in everything.aws}

    assert kinds - {"cloudcontrol/resource:Resource"} == RIGHTS.keys()
    assert {item.inputs["typeName"] for item in by_cloud_control} == CLOUD_CONTROL.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "inputs", "missing"),
    [
        ("aws:sqs/nothing:Nothing", {}, "sqs/nothing:Nothing"),
        ("aws:cloudcontrol/resource:Resource", {"typeName": "AWS::No::Type"}, "AWS::No::Type"),
    ],
)
def test_an_unlisted_resource_type_is_refused(
    kind: str, inputs: dict[str, str], missing: str, everything: Built
):
    unknown = replace(everything.aws[0], kind=kind, inputs=inputs)

    with pytest.raises(UnknownType, match=re.escape(missing)):
        statements("dev", [unknown], ACCOUNT, REGION)


def test_each_right_is_bound_to_this_stack_or_cannot_be_bound(everything: Built):
    for statement in allowed(everything):
        for resource in statement["Resource"]:
            if resource == "*":
                assert set(statement["Action"]) <= ANY_RESOURCE
            elif ":kms:" in resource:
                assert set(statement["Condition"]["StringEquals"].values()) == {PROJECT, "dev"}
            elif resource.endswith(":alarm:*"):
                assert statement["Action"] == ["cloudwatch:DescribeAlarms"]
            elif "aws-service-role" in resource:
                assert statement["Action"] == ["iam:CreateServiceLinkedRole"]
            elif ":ses:" in resource:
                assert resource.split(":")[-1] in (
                    "identity/security@example.com",
                    "configuration-set/chatops-slack-dev-gate",
                )
            elif ":ssm:" in resource:
                assert resource.endswith(":parameter/chatops-slack/dev/gate")
            else:
                assert "chatops-slack-dev-gate" in resource


def test_roles_are_only_handed_to_the_services_that_they_trust(everything: Built):
    [statement] = [item for item in allowed(everything) if "iam:PassRole" in item["Action"]]

    assert statement == {
        "Effect": "Allow",
        "Action": ["iam:PassRole"],
        "Resource": [f"arn:aws:iam::{ACCOUNT}:role/chatops-slack-dev-gate-*"],
        "Condition": {
            "StringEquals": {
                "iam:PassedToService": [
                    "chatbot.amazonaws.com",
                    "codebuild.amazonaws.com",
                    "events.amazonaws.com",
                    "lambda.amazonaws.com",
                    "states.amazonaws.com",
                ]
            }
        },
    }


@pytest.mark.slow
def test_uploads_can_be_deleted_only_where_destroy_may_empty_the_buckets(everything: Built):
    upload = "arn:aws:s3:::chatops-slack-{}-gate-uploads-0123456/payments.zip"
    dev, prod = allowed(everything), allowed(program("prod"), "prod")

    assert may(dev, "s3:DeleteObjectVersion", upload.format("dev"))
    assert not may(prod, "s3:DeleteObjectVersion", upload.format("prod"))
    assert may(
        prod, "s3:DeleteObject", "arn:aws:s3:::chatops-slack-prod-gate-state-0123456/cache/x"
    )
    assert not may(dev, "s3:GetObject", upload.format("dev"))


def test_rights_in_another_region_are_allowed_there(everything: Built):
    granted = allowed(everything)
    audit = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/chatbot/chatops-slack-dev-gate"
    name = "function:chatops-slack-dev-gate-approval-0123456"

    assert may(granted, "logs:PutSubscriptionFilter", audit)
    assert may(granted, "lambda:AddPermission", f"arn:aws:lambda:us-east-1:{ACCOUNT}:{name}")
    # S3's events invoke a function in the stack's own region.
    assert may(granted, "lambda:AddPermission", f"arn:aws:lambda:{REGION}:{ACCOUNT}:{name}")
    assert not may(granted, "lambda:AddPermission", f"arn:aws:lambda:eu-west-3:{ACCOUNT}:{name}")
    home = audit.replace("us-east-1", REGION)
    assert not may(granted, "logs:PutSubscriptionFilter", home)


def test_the_policies_fit_and_lose_nothing(everything: Built):
    granted = allowed(everything)
    split = policies(granted, most=2500)

    assert len(split) > 2
    assert [statement for policy in split for statement in policy["Statement"]] == granted
    assert all(size(item) <= 2500 for item in split)
    assert all(size(item) <= 6144 for item in policies(granted))
    assert len(policies(granted)) <= 10


def test_every_action_is_one_that_the_service_has():
    rights = [right for table in (RIGHTS, CLOUD_CONTROL) for row in table.values() for right in row]

    for right in rights:
        if right.service == "s3":  # whose actions are named after their subject
            continue
        calls = {
            call
            for service in CLIENTS.get(right.service, [right.service])
            for call in boto3.client(service, REGION).meta.service_model.operation_names
        }
        assert set(right.actions.split()) <= calls, right


@pytest.mark.slow
def test_the_command_prints_the_policies_or_writes_them(tmp_path: Path):
    settings = tmp_path / "Pulumi.dev.yaml"
    shipped = (PROGRAM / "Pulumi.dev.yaml").read_text()
    settings.write_text(f"{shipped}\n  chatops-slack:scanners: [bandit]\n")
    arguments = ["rights", "--stack", "dev", "--config", str(settings), "--account", "999999999999"]

    printed = CliRunner().invoke(app, arguments)
    written = CliRunner().invoke(app, [*arguments, "--to", str(tmp_path / "policies")])

    assert (printed.exit_code, written.exit_code) == (0, 0), printed.output + written.output
    documents = json.loads(printed.stdout)
    assert next(iter(documents)) == "deploy-chatops-slack-dev-1"
    assert "arn:aws:sns:eu-central-1:999999999999:chatops-slack-dev-gate-*" in printed.stdout
    assert "secretsmanager" not in printed.stdout
    files = {item.stem: json.loads(item.read_text()) for item in (tmp_path / "policies").iterdir()}
    assert files == documents


@pytest.mark.slow
def test_an_unwritable_folder_is_reported_with_a_message(tmp_path: Path):
    (tmp_path / "file").write_text("")
    arguments = ["rights", "--stack", "dev", "--config", str(PROGRAM / "Pulumi.dev.yaml")]

    result = CliRunner().invoke(
        app, [*arguments, "--account", ACCOUNT, "--to", str(tmp_path / "file")]
    )

    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.mark.slow
def test_the_policies_of_uploaders_and_deployers_name_buckets_and_key_once_these_exist(
    monkeypatch: pytest.MonkeyPatch,
):
    dev = configuration("dev", PROGRAM / "Pulumi.dev.yaml")
    outputs = {"uploadBucket": "up", "artifactsBucket": "evidence", "key": "arn:aws:kms:::key/1"}
    uploader = ["rights", "--stack", "dev", "--for", "uploader", "--app", "team-a-*"]

    def printed(outputs: dict[str, str], *arguments: str) -> dict[str, dict[str, Any]]:
        monkeypatch.setattr("ops.rights.configuration", lambda *_: replace(dev, outputs=outputs))
        result = CliRunner().invoke(app, [*arguments, "--account", ACCOUNT])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def resources(policies: dict[str, dict[str, Any]]) -> set[str]:
        [policy] = policies.values()
        return {arn for statement in policy["Statement"] for arn in statement["Resource"]}

    before, after = printed({}, *uploader), printed(outputs, *uploader)
    deployer = printed(outputs, "rights", "--stack", "dev", "--for", "deployer")

    assert after.keys() == {"upload-chatops-slack-dev-team-a-all"}
    assert deployer.keys() == {"read-chatops-slack-dev"}
    assert resources(after) == {
        "arn:aws:s3:::up/team-a-*.zip",
        "arn:aws:s3:::evidence/scans/team-a-*/*",
        "arn:aws:s3:::evidence",
        "arn:aws:kms:::key/1",
        *PARAMETERS,
    }
    assert resources(deployer) == {
        "arn:aws:s3:::up",
        "arn:aws:s3:::up/*",
        "arn:aws:s3:::evidence",
        "arn:aws:s3:::evidence/scans/*",
        "arn:aws:kms:::key/1",
        *PARAMETERS,
    }
    assert resources(before) == {
        "arn:aws:s3:::chatops-slack-dev-gate-uploads-*/team-a-*.zip",
        "arn:aws:s3:::chatops-slack-dev-gate-artifacts-*/scans/team-a-*/*",
        "arn:aws:s3:::chatops-slack-dev-gate-artifacts-*",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*",
        *PARAMETERS,
    }


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--for", "uploader"], "--for uploader needs --app, for example payments or team-a-*"),
        (
            ["--for", "uploader", "--app", "Team/A"],
            "--app Team/A is neither an app's name nor a pattern such as team-a-*",
        ),
        (["--for", "deployer", "--app", "a"], "--app goes with --for uploader only"),
        (["--app", "a"], "--app goes with --for uploader only"),
    ],
)
def test_an_uploader_has_an_app_and_nobody_else_has(arguments: list[str], error: str):
    shipped = str(PROGRAM / "Pulumi.dev.yaml")

    result = CliRunner().invoke(app, ["rights", "--stack", "dev", "--config", shipped, *arguments])

    assert result.exit_code == 2
    assert error in result.stderr


def test_wrong_settings_are_reported_before_anything_else(tmp_path: Path):
    settings = tmp_path / "Pulumi.dev.yaml"
    settings.write_text("config:\n  chatops-slack:sender: nobody\n")

    result = CliRunner().invoke(app, ["rights", "--stack", "dev", "--config", str(settings)])

    assert result.exit_code == 2
    assert "sender: 'nobody' is not an email address (and 4 more)" in result.stderr
    assert "pulumi config set sender security@example.com --stack dev" in result.stderr
