"""What must hold for the whole program, whatever is added to it."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from tests.components.recording import ACCOUNT, PROGRAM, PROJECT, REGION, TOKEN, Built, program

COMPONENTS = {
    "Storage": "storage",
    "Approval": "approval",
    "Notification": "notification",
    "Pipeline": "pipeline",
    "ScanProject": "scan",
    "Operations": "operations",
    "Who": "who",
}
# Actions that IAM cannot bind to a resource; each on "*" is what its service's guide asks for.
ANY_RESOURCE = {
    "xray:PutTraceSegments": "X-Ray has no resources",
    "xray:PutTelemetryRecords": "X-Ray has no resources",
    "xray:GetSamplingRules": "X-Ray has no resources",
    "xray:GetSamplingTargets": "X-Ray has no resources",
    "logs:CreateLogDelivery": "log deliveries are no resources",
    "logs:GetLogDelivery": "log deliveries are no resources",
    "logs:UpdateLogDelivery": "log deliveries are no resources",
    "logs:DeleteLogDelivery": "log deliveries are no resources",
    "logs:ListLogDeliveries": "log deliveries are no resources",
    "logs:PutResourcePolicy": "resource policies are the account's",
    "logs:DescribeResourcePolicies": "resource policies are the account's",
    "logs:DescribeLogGroups": "a list of all",
    "states:SendTaskSuccess": "the task token is the resource",
    "ec2:CreateNetworkInterface": "as CodeBuild's guide says for a VPC",
    "ec2:DeleteNetworkInterface": "as CodeBuild's guide says for a VPC",
    "ec2:DescribeDhcpOptions": "EC2 describes all or nothing",
    "ec2:DescribeNetworkInterfaces": "EC2 describes all or nothing",
    "ec2:DescribeSecurityGroups": "EC2 describes all or nothing",
    "ec2:DescribeSubnets": "EC2 describes all or nothing",
    "ec2:DescribeVpcs": "EC2 describes all or nothing",
}
# Resources with a "*" inside, and what stands in its place.
INSIDE = {
    r"arn:aws:s3:::artifacts/scans/\*/[a-z]+\.(json|log)": "an app and a version id",
    r"arn:aws:s3:::artifacts/scans/\*/pressed/\*\.json": "an app, a version id and a log event",
    r"arn:aws:s3:::work/(waiting|flood|cache)/\*": "an app and a version id, a moment, or a file",
    rf"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:chatops-slack-prod-pipeline-\*": "made later",
    rf"arn:aws:states:{REGION}:{ACCOUNT}:execution:chatops-slack-prod-pipeline-\*:\*": "the same",
    r"arn:aws:s3:::(uploads|access-logs)/\*": "any object's key",
    r"arn:aws:cloudwatch:::[a-z-]+:\*": "the log streams of one group",
    r"arn:aws:cloudwatch:::scan:log-stream:\*": "the log streams of one group",
    rf"arn:aws:ses:{REGION}:{ACCOUNT}:identity/\*": "recipients in the sandbox; see its condition",
    rf"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/\*": "not made yet; see its condition",
}
ON_CALL = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
TICKET = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:open-ticket"
# Created by Cloud Control, which has no tags of its own: they are in what it is asked for.
IN_DESIRED_STATE = "aws:cloudcontrol/resource:Resource"


@pytest.fixture(scope="module")
def everything() -> Built:
    """With all that settings can add."""
    return program(
        "prod",
        vpcId="vpc-0a",
        vpcSubnets=["subnet-0a"],
        vpcSecurityGroups=["sg-0a"],
        recordWho=True,
        escalationTopic=ON_CALL,
        evidenceLock="governance",
        actions=[
            {"label": "Scan again", "outcomes": ["broken"], "function": "scan-again"},
            {"label": "Open ticket", "outcomes": ["failed"], "function": TICKET},
        ],
    )


def variables(built: Built, function: str) -> dict[str, str]:
    return built.one("lambda/function:Function", function).inputs["environment"]["variables"]


def statements(built: Built) -> list[tuple[str, dict[str, Any]]]:
    found = [(name, each) for name, policy in built.policies().items() for each in policy]
    assert len(found) > 40
    return found


def test_no_policy_allows_actions_by_a_wildcard(everything: Built):
    for name, statement in statements(everything):
        assert "NotAction" not in statement, name
        for action in statement["Action"]:
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z0-9]+|s3:\*", action), (name, action)
            assert action != "s3:*" or statement["Effect"] == "Deny", name


def test_no_policy_allows_any_resource_without_a_reason(everything: Built):
    for name, statement in statements(everything):
        if statement["Effect"] == "Deny":
            continue
        assert "NotResource" not in statement, name
        for resource in statement.get("Resource", []):
            if resource == "*" and name == "Key storage":
                continue  # in a key's own policy it is the key
            if resource == "*":
                assert set(statement["Action"]) <= set(ANY_RESOURCE), (name, statement)
            elif "*" in resource:
                assert any(re.fullmatch(each, resource) for each in INSIDE), (name, resource)


def test_the_reasons_are_all_in_use(everything: Built):
    allowed = [each for _, each in statements(everything) if each["Effect"] == "Allow"]
    anywhere = {
        action for each in allowed if each.get("Resource") == ["*"] for action in each["Action"]
    }
    resources = {resource for each in allowed for resource in each.get("Resource", [])}

    assert set(ANY_RESOURCE) <= anywhere
    for pattern in INSIDE:
        assert any(re.fullmatch(pattern, each) for each in resources), pattern


def test_nobody_outside_the_account_is_allowed_anything(everything: Built):
    for name, statement in statements(everything):
        principal = statement.get("Principal")
        if statement["Effect"] == "Deny" or principal is None:
            continue
        assert principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} or (
            set(principal) == {"Service"} and principal["Service"].endswith(".amazonaws.com")
        ), name


def test_a_service_acts_on_our_resources_only_for_this_account(everything: Built):
    """Else it could be made to by another account: the confused deputy."""
    for name, statement in statements(everything):
        if "Service" in statement.get("Principal", {}) and not name.startswith("Role "):
            [condition] = statement["Condition"].values()
            assert condition.keys() <= {"aws:SourceAccount", "aws:SourceArn"}, name


def test_only_the_pipeline_tags_uploads_and_only_scans_read_them(everything: Built):
    def grantees(*actions: str) -> set[str]:
        return {
            name
            for name, statement in statements(everything)
            if statement["Effect"] == "Allow"
            and set(actions) & set(statement["Action"])
            and any(each.startswith("arn:aws:s3:::uploads") for each in statement["Resource"])
        }

    assert grantees("s3:PutObjectTagging", "s3:PutObjectVersionTagging") == {"RolePolicy pipeline"}
    assert grantees("s3:GetObject", "s3:GetObjectVersion") == {"RolePolicy scan"}
    assert grantees("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion") == set()


def test_every_role_has_exactly_one_policy_and_every_policy_a_role(everything: Built):
    roles = sorted(each.name for each in everything.all("iam/role:Role"))
    granted = sorted(each.inputs["role"] for each in everything.all("iam/rolePolicy:RolePolicy"))

    assert granted == roles
    assert not everything.all("iam/rolePolicyAttachment:RolePolicyAttachment")


def test_the_channel_is_given_this_stacks_buttons_and_exactly_what_they_call(everything: Built):
    channel = everything.one("cloudcontrol/resource:Resource", "channel").desired

    assert channel["ConfigurationName"] == "chatops-slack-prod"
    assert channel["CustomizationResourceArns"] == [
        f"arn:aws:cloudcontrol:::{name}"
        for name in ("approve", "reject", "withdraw", "team-1", "team-2")
    ]
    called = [
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": ["arn:aws:lambda:::approval", "arn:aws:lambda:::rescan", TICKET],
        }
    ]
    assert everything.one("iam/policy:Policy", "guardrail").policy() == called
    assert everything.one("iam/rolePolicy:RolePolicy", "channel").policy() == called


def test_the_cards_name_what_the_buttons_call(everything: Built):
    for name in ("check-build-status", "announce"):
        told = variables(everything, name)
        assert told["APPROVAL_FUNCTION"] == "approval"
        assert json.loads(told["TEAM_BUTTONS"]) == {
            "Team1": {"function": "rescan", "outcomes": ["broken"], "again": True},
            "Team2": {"function": TICKET, "outcomes": ["failed"], "again": False},
        }


def test_what_scans_again_may_start_the_state_machine_by_the_name_that_it_gets(everything: Built):
    """It is made before the state machine, and so knows the beginning of its name only."""
    declared = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]
    name = declared["pulumi:autonaming"]["value"]["pattern"]
    for hole, filled in {
        "${project}": PROJECT,
        "${stack}": "prod",
        "${name}": everything.one("sfn/stateMachine:StateMachine").name,
        "${hex(7)}": "0123456",
    }.items():
        name = name.replace(hole, filled)
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    rights = {
        action: each["Resource"]
        for each in everything.one("iam/rolePolicy:RolePolicy", "rescan").policy()
        for action in each["Action"]
    }

    assert fnmatchcase(machine, *rights["states:StartExecution"])
    assert fnmatchcase(
        machine.replace(":stateMachine:", ":execution:") + ":upload-1",
        *rights["states:DescribeExecution"],
    )
    other = machine.replace("-prod-", "-dev-")
    assert not fnmatchcase(other, *rights["states:StartExecution"])


def test_the_state_machine_publishes_to_the_channels_topic_and_who_is_on_call(
    everything: Built, dev: Built
):
    def topics(built: Built) -> list[str]:
        [publish] = [
            each["Resource"]
            for each in built.one("iam/rolePolicy:RolePolicy", "pipeline").policy()
            if each["Action"] == ["sns:Publish"]
        ]
        return publish

    assert topics(everything) == ["arn:aws:sns:::notification", ON_CALL]
    assert topics(dev) == ["arn:aws:sns:::notification"]


def test_every_child_sits_under_its_component(everything: Built):
    for each in everything.resources:
        kind = each.kind.split(":")[-1]
        if COMPONENTS.get(kind) == each.name and kind != "ScanProject":
            continue
        assert f"{PROJECT}:index:" in each.urn.split("::")[2].rsplit("$", 1)[0], each.urn


def test_the_program_itself_makes_no_resource(everything: Built):
    top = {each.name for each in everything.resources if "$" not in each.urn.split("::")[2]}

    assert top <= {"storage", "approval", "notification", "pipeline", "operations", "who"}


def test_everything_that_can_have_tags_has_them(everything: Built):
    tags = {"project": PROJECT, "stack": "prod", "managed-by": "pulumi"}
    tagged = {each.kind for each in everything.aws if "tags" in each.inputs}

    for each in everything.aws:
        if each.kind == IN_DESIRED_STATE:
            found = {tag["Key"]: tag["Value"] for tag in each.desired["Tags"]}
            assert found == {**tags, "Name": found["Name"]}, each.name
        elif each.kind in tagged:
            assert each.inputs["tags"] == tags, each.name
    untagged = {each.kind.split(":")[-1] for each in everything.aws} - {
        kind.split(":")[-1] for kind in tagged
    }
    assert untagged == {
        "BucketLifecycleConfiguration",
        "BucketLogging",
        "BucketNotification",
        "BucketObjectLockConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
        "ConfigurationSetEventDestination",
        "Dashboard",
        "EventTarget",
        "LogMetricFilter",
        "LogSubscriptionFilter",
        "Permission",
        "QueuePolicy",
        "Resource",
        "RolePolicy",
        "SecretVersion",
        "TopicPolicy",
    }


def test_prod_protects_what_cannot_be_made_again_and_dev_nothing(dev: Built, prod: Built):
    assert {each.name for each in prod.resources if each.protect} == {
        "storage",
        "uploads",
        "artifacts",
        "access-logs",
    }
    assert [each.name for each in dev.resources if each.protect] == []
    assert {each.name for each in prod.all("s3/bucket:Bucket") if each.inputs["forceDestroy"]} == {
        "work"
    }
    assert {each.inputs["forceDestroy"] for each in dev.all("s3/bucket:Bucket")} == {True}


FIXED_NAMES = (
    "name",
    "bucket",
    "namePrefix",
    "ActionName",
    "ConfigurationName",
    "configurationSetName",
    "dashboardName",
)


def fixed_names(built: Built) -> set[tuple[str, str]]:
    """The physical names that the program says itself, where Pulumi would choose one."""
    names = set()
    for each in built.aws:
        wanted = each.desired if each.kind == IN_DESIRED_STATE else each.inputs
        for key in FIXED_NAMES:
            if key in wanted and not (key == "bucket" and each.kind != "aws:s3/bucket:Bucket"):
                names.add((each.kind, wanted[key]))
        if each.kind == "aws:sesv2/emailIdentity:EmailIdentity":
            names.add((each.kind, wanted["emailIdentity"]))
    return names


def test_two_stacks_share_no_name(dev: Built, prod: Built):
    assert {name for _, name in fixed_names(dev)} == {
        "/aws/vendedlogs/states/chatops-slack-dev-",
        "chatops-slack-dev",
        "chatops-slack-dev-approve",
        "chatops-slack-dev-reject",
        "chatops-slack-dev-team-1",
        "chatops-slack-dev-withdraw",
        "security@example.com",
    }
    assert len(fixed_names(prod)) == 10
    assert fixed_names(dev) & fixed_names(prod) == set()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_token_is_in_the_secret_and_nowhere_else(stack: str, request: pytest.FixtureRequest):
    built: Built = request.getfixturevalue(stack)
    holders = {
        (each.kind, key): key in each.secret
        for each in built.resources
        for key, value in each.inputs.items()
        if TOKEN in str(value)
    }

    assert holders == {("aws:secretsmanager/secretVersion:SecretVersion", "secretString"): True}
    assert TOKEN not in str(built.outputs)


def test_nothing_secret_is_in_any_environment(prod: Built):
    functions = [
        each.inputs["environment"]["variables"] for each in prod.all("lambda/function:Function")
    ]
    project = prod.one("codebuild/project:Project").inputs["environment"]["environmentVariables"]

    assert len(functions) == 6
    assert {key for each in functions for key in each} == {
        "APPROVAL_FUNCTION",
        "ARTIFACTS_BUCKET",
        "CONFIGURATION_SET",
        "DIGEST_AFTER",
        "DIGEST_SECONDS",
        "ESCALATION_MENTION",
        "EXCEPTION_SECONDS",
        "MAX_EXCEPTION_SECONDS",
        "RECIPIENTS",
        "SENDER",
        "TEAM_BUTTONS",
        "UPLOADER_DOMAINS",
        "WORK_BUCKET",
    }
    assert [each for each in project if "TOKEN" in each["name"]] == [
        {
            "name": "SONAR_TOKEN",
            "value": "arn:aws:secretsmanager:::sonar-token",
            "type": "SECRETS_MANAGER",
        }
    ]


def test_engine_sarif_has_no_secret_at_all():
    built = program(engine="sarif", sonarToken="")

    assert not built.all("secretsmanager/secret:Secret")
    assert "secretsmanager:GetSecretValue" not in json.dumps(built.policies())


def test_settings_reach_what_they_are_about():
    built = program(
        buildTimeout="45m",
        queueTimeout="2h",
        decisionWindow="6h",
        escalateBefore="1h",
        escalationMention="S0123456789",
        escalationTopic=ON_CALL,
        exceptionPeriod="2d",
        maxExceptionPeriod="3d",
        remindBefore="12h",
        appRecipients={"payments": ["payments@example.com"]},
        uploaderDomains=["example.com"],
        actions=[],
        evidenceLock="compliance",
        evidenceLockDays=9,
        recordWho=True,
        architecture="arm64",
        computeType="BUILD_GENERAL1_SMALL",
        logDays=14,
        uploadDays=11,
        userRoleRequired=True,
        createSender=False,
        maxHigh=7,
    )
    project = built.one("codebuild/project:Project").inputs
    states = json.loads(built.one("sfn/stateMachine:StateMachine").inputs["definition"])["States"]
    announce = variables(built, "announce")
    lock = built.one("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration").inputs
    told = {each["name"]: each["value"] for each in project["environment"]["environmentVariables"]}
    lifecycle = built.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "uploads")

    assert (project["buildTimeout"], project["queuedTimeout"]) == (45, 120)
    assert states["Scan"]["TimeoutSeconds"] == (45 + 120 + 5) * 60
    assert "$toMillis($until) - 3600000" in states["AwaitDecision"]["TimeoutSeconds"]
    assert str(6 * 3600 * 1000) in states["CheckBuildStatus"]["Assign"]["until"]
    assert states["TellEscalatedElsewhere"]["Arguments"]["TopicArn"] == ON_CALL
    assert str(12 * 3600 * 1000) in states["HoldException"]["Choices"][-1]["Condition"]
    assert "HearWhoApproved" in states
    assert variables(built, "approval")["EXCEPTION_SECONDS"] == str(2 * 86400)
    assert variables(built, "approval")["MAX_EXCEPTION_SECONDS"] == str(3 * 86400)
    assert json.loads(announce["RECIPIENTS"])["payments"] == ["payments@example.com"]
    assert json.loads(announce["UPLOADER_DOMAINS"]) == ["example.com"]
    assert announce["ESCALATION_MENTION"] == "<!subteam^S0123456789>"
    assert announce["TEAM_BUTTONS"] == "{}"
    assert lock["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 9}}
    assert project["environment"]["type"] == "ARM_CONTAINER"
    assert project["environment"]["computeType"] == "BUILD_GENERAL1_SMALL"
    assert {
        each.inputs["retentionInDays"] for each in built.all("cloudwatch/logGroup:LogGroup")
    } == {14}
    assert lifecycle.inputs["rules"][0]["noncurrentVersionExpiration"] == {"noncurrentDays": 11}
    channel = built.one("cloudcontrol/resource:Resource", "channel").desired
    assert channel["UserRoleRequired"] is True
    assert not built.all("sesv2/emailIdentity:EmailIdentity")
    assert json.loads(told["LIMITS"])["HIGH"] == 7


def test_a_person_finds_the_way_by_the_outputs(dev: Built):
    console = f"https://{REGION}.console.aws.amazon.com"

    assert dev.outputs == {
        "uploadBucket": "uploads",
        "artifactsBucket": "artifacts",
        "workBucket": "work",
        "stateMachine": "arn:aws:sfn:::pipeline",
        "topic": "arn:aws:sns:::notification",
        "approvalFunction": "approval",
        "rescanFunction": "rescan",
        "deadLetterQueue": "https://queue/dead-letters",
        "dashboardUrl": f"{console}/cloudwatch/home?region={REGION}"
        "#dashboards/dashboard/chatops-slack-dev",
        "executionsUrl": f"{console}/states/home?region={REGION}#/statemachines/view/"
        "arn:aws:sfn:::pipeline",
        "buildsUrl": f"{console}/codesuite/codebuild/{ACCOUNT}/projects/scan/history"
        f"?region={REGION}",
        "evidenceUrl": f"{console}/s3/buckets/artifacts?region={REGION}&prefix=scans/",
        "uploadCommand": "aws s3 cp app.zip s3://uploads/APP/app.zip",
    }
