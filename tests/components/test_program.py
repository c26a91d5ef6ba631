"""Rules for all resources of the program, present and future."""

import json
import re
from typing import Any

import pytest

from tests.components.conftest import ON_CALL, TICKET
from tests.support.policy_evaluator import decide
from tests.support.recording import ACCOUNT, PROGRAM, PROJECT, REGION, TOKEN, Built, program

# Actions that IAM cannot bind to a resource; each service's guide requires "*" for them.
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
# Resources with a "*" inside, and what the "*" stands for.
INSIDE = {
    r"arn:aws:s3:::gate-artifacts/scans/\*/[a-z-]+\.(json|log)": "an app and a version id",
    r"arn:aws:s3:::gate-artifacts/scans/\*/(actions|extensions|approvals)/\*\.json": "and an id",
    r"arn:aws:s3:::gate-state/(waiting|thread-slots|cache|apps|resting)/\*": "an app, scan, time",
    r"arn:aws:sfn:::gate-pipeline:\*": "the executions of one state machine",
    r"arn:aws:s3:::gate-(uploads|access-logs)/\*": "any object's key",
    r"arn:aws:cloudwatch:::[a-z-]+:\*": "the log streams of one group",
    r"arn:aws:cloudwatch:::gate-scan:log-stream:\*": "the log streams of one group",
    rf"arn:aws:ses:{REGION}:{ACCOUNT}:identity/\*": "recipients in the sandbox; see its condition",
    rf"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/\*": "not made yet; see its condition",
}
# Services that are documented to send the source account when they assume a role.
SEND_THEIR_ACCOUNT = {"states", "codebuild", "events"}
GOLDEN = PROGRAM / "tests" / "golden" / "policies.json"
# Created by Cloud Control: names and tags are in the desired state.
IN_DESIRED_STATE = "aws:cloudcontrol/resource:Resource"


def statements(built: Built) -> list[tuple[str, dict[str, Any]]]:
    result = [
        (name, statement) for name, policy in built.policies().items() for statement in policy
    ]
    assert len(result) > 40
    return result


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
            if resource == "*" and name == "Key gate-key":
                continue  # in a key's own policy it is the key
            if resource == "*":
                assert set(statement["Action"]) <= set(ANY_RESOURCE), (name, statement)
            elif "*" in resource:
                assert any(re.fullmatch(item, resource) for item in INSIDE), (name, resource)


def test_every_documented_wildcard_reason_is_used(everything: Built):
    allowed = [
        statement for _, statement in statements(everything) if statement["Effect"] == "Allow"
    ]
    anywhere = {
        action
        for statement in allowed
        if statement.get("Resource") == ["*"]
        for action in statement["Action"]
    }
    resources = {resource for statement in allowed for resource in statement.get("Resource", [])}

    assert set(ANY_RESOURCE) <= anywhere
    for pattern in INSIDE:
        assert any(re.fullmatch(pattern, item) for item in resources), pattern


def test_no_policy_allows_another_account(everything: Built):
    for name, statement in statements(everything):
        principal = statement.get("Principal")
        if statement["Effect"] == "Deny" or principal is None:
            continue
        assert principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} or (
            set(principal) == {"Service"} and principal["Service"].endswith(".amazonaws.com")
        ), name


def test_a_service_acts_on_our_resources_only_for_this_account(everything: Built):
    """Otherwise another account could make the service do it (confused deputy)."""
    for name, statement in statements(everything):
        if "Service" in statement.get("Principal", {}) and not name.startswith("Role "):
            [condition] = statement["Condition"].values()
            assert condition.keys() <= {"aws:SourceAccount", "aws:SourceArn"}, name


def test_a_service_that_sends_its_source_account_assumes_roles_only_for_this_one(everything: Built):
    trusted = set()
    for role in everything.all("iam/role:Role"):
        [statement] = role.policy("assumeRolePolicy")
        service = statement["Principal"]["Service"].removesuffix(".amazonaws.com")
        trusted.add(service)
        condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        expected = condition if service in SEND_THEIR_ACCOUNT else None
        assert statement.get("Condition") == expected, role.name
    assert trusted == {*SEND_THEIR_ACCOUNT, "lambda", "chatbot"}


def test_every_bucket_denies_requests_without_tls(everything: Built):
    policies = everything.all("s3/bucketPolicy:BucketPolicy")

    assert len(policies) == len(everything.all("s3/bucket:Bucket")) == 4
    for policy in policies:
        arn = f"arn:aws:s3:::{policy.name}"
        on = {"s3:ListBucket": arn, "s3:GetObject": f"{arn}/scans/payments/v1/scan.json"}
        for action, resource in on.items():
            somebody = {"principal": f"arn:aws:iam::{ACCOUNT}:role/any", "action": action}
            plain = {"aws:SecureTransport": "false"}
            answer = decide(policy.policy(), **somebody, resource=resource, **plain)
            assert answer == "deny", (policy.name, action)


def test_every_role_has_a_policy_and_every_policy_a_role_of_ours(everything: Built):
    roles = {role.name for role in everything.all("iam/role:Role")}
    granted = {
        role_policy.inputs["role"] for role_policy in everything.all("iam/rolePolicy:RolePolicy")
    }

    assert granted == roles
    assert not everything.all("iam/rolePolicyAttachment:RolePolicyAttachment")


def test_no_role_may_both_tag_and_send_email(everything: Built):
    for role_policy in everything.all("iam/rolePolicy:RolePolicy"):
        actions = {action for statement in role_policy.policy() for action in statement["Action"]}
        powers = {"s3:PutObjectVersionTagging", "ses:SendRawEmail"} & actions
        assert len(powers) <= 1, role_policy.name


def test_policies_match_the_reviewed_golden_file(everything: Built, request: pytest.FixtureRequest):
    """After an intended change, run ``pytest --renew-golden`` and review the diff."""
    written = json.dumps(everything.policies(), indent=1, sort_keys=True) + "\n"
    if request.config.getoption("--renew-golden"):
        GOLDEN.write_text(written)

    assert json.loads(GOLDEN.read_text()) == json.loads(written)


def test_every_resource_lies_under_a_component(everything: Built):
    for resource in everything.aws:
        parent = resource.urn.split("::")[2].split("$")[0]
        assert parent.startswith(f"{PROJECT}:index:"), resource.urn


def test_the_program_itself_makes_one_gate(everything: Built):
    top = [resource for resource in everything.resources if "pulumi:pulumi:Stack$" in resource.urn]

    assert [item.kind for item in top] == [f"{PROJECT}:index:UploadGate"]


def test_only_the_pipeline_tags_uploads_and_only_scans_read_them(everything: Built):
    def grantees(*actions: str) -> set[str]:
        return {
            name
            for name, statement in statements(everything)
            if statement["Effect"] == "Allow"
            and set(actions) & set(statement["Action"])
            and any(arn.startswith("arn:aws:s3:::gate-uploads") for arn in statement["Resource"])
        }

    assert grantees("s3:PutObjectTagging", "s3:PutObjectVersionTagging") == {
        "RolePolicy gate-pipeline"
    }
    assert grantees("s3:GetObject", "s3:GetObjectVersion") == {"RolePolicy gate-scan"}
    assert grantees("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion") == set()


def test_cards_name_the_functions_of_their_buttons(everything: Built):
    for name in ("gate-check-build-status", "gate-notify"):
        variables = everything.variables(name)
        assert variables["APPROVAL_FUNCTION"] == "gate-approval"
        assert json.loads(variables["TEAM_BUTTONS"]) == {
            "Team1": {"function": "gate-rescan", "outcomes": ["error"], "again": True},
            "Team2": {"function": TICKET, "outcomes": ["failed"], "again": False},
        }


def test_everything_that_can_have_tags_has_them(everything: Built):
    tags = {"project": PROJECT, "stack": "prod", "managed-by": "pulumi"}
    tagged = {resource.kind for resource in everything.aws if "tags" in resource.inputs}

    for resource in everything.aws:
        if resource.kind == IN_DESIRED_STATE:
            # One tag, since an edit of several could not be sent safely.
            assert [tag["Key"] for tag in resource.desired["Tags"]] == ["Name"]
        elif resource.kind in tagged:
            assert resource.inputs["tags"] == tags, resource.name
    untagged = {resource.kind.split(":")[-1] for resource in everything.aws} - {
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


def test_prod_protects_irreplaceable_resources_and_dev_none(dev: Built, prod: Built):
    assert {resource.name for resource in prod.resources if resource.protect} == {
        "gate-key",
        "gate-uploads",
        "gate-artifacts",
        "gate-access-logs",
    }
    assert [resource.name for resource in dev.resources if resource.protect] == []
    assert {
        bucket.name for bucket in prod.all("s3/bucket:Bucket") if bucket.inputs["forceDestroy"]
    } == {"gate-state"}
    assert {bucket.inputs["forceDestroy"] for bucket in dev.all("s3/bucket:Bucket")} == {True}


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
    """The physical names that the program sets, where Pulumi could choose one."""
    names = set()
    for resource in built.aws:
        wanted = resource.desired if resource.kind == IN_DESIRED_STATE else resource.inputs
        for key in FIXED_NAMES:
            if key in wanted and not (key == "bucket" and resource.kind != "aws:s3/bucket:Bucket"):
                names.add((resource.kind, wanted[key]))
        if resource.kind == "aws:sesv2/emailIdentity:EmailIdentity":
            names.add((resource.kind, wanted["emailIdentity"]))
    return names


def test_two_stacks_share_no_name(dev: Built, prod: Built):
    assert {name for _, name in fixed_names(dev)} == {
        "/aws/vendedlogs/states/chatops-slack-dev-gate-",
        "/chatops-slack/dev/gate",
        "chatops-slack-dev-gate",
        "chatops-slack-dev-gate-approve",
        "chatops-slack-dev-gate-extend",
        "chatops-slack-dev-gate-reject",
        *(f"chatops-slack-dev-gate-team-{n}" for n in range(1, 6)),
        "chatops-slack-dev-gate-withdraw",
        "security@example.com",
    }
    assert len(fixed_names(prod)) == 16
    assert fixed_names(dev) & fixed_names(prod) == set()


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_token_is_in_the_secret_and_nowhere_else(stack: str, request: pytest.FixtureRequest):
    built: Built = request.getfixturevalue(stack)
    holders = {
        (resource.kind, key): key in resource.secret
        for resource in built.resources
        for key, value in resource.inputs.items()
        if TOKEN in str(value)
    }

    assert holders == {("aws:secretsmanager/secretVersion:SecretVersion", "secretString"): True}
    assert TOKEN not in str(built.outputs)


def test_nothing_secret_is_in_any_environment(prod: Built):
    functions = [
        function.inputs["environment"]["variables"]
        for function in prod.all("lambda/function:Function")
    ]
    project = prod.one("codebuild/project:Project").inputs["environment"]["environmentVariables"]

    assert len(functions) == 7
    assert {key for function in functions for key in function} == {
        "APPROVALS",
        "APPROVAL_COVERS",
        "APPROVAL_FUNCTION",
        "ARTIFACTS_BUCKET",
        "CONFIGURATION_SET",
        "DIGEST_AFTER",
        "DIGEST_SECONDS",
        "ESCALATION_MENTION",
        "EXCEPTION_SECONDS",
        "FAILURE_EMAILS",
        "MAX_EXCEPTION_SECONDS",
        "PEOPLE",
        "RECIPIENTS",
        "SELF_APPROVAL",
        "SENDER",
        "TEAM_BUTTONS",
        "UPLOADER_DOMAINS",
        "STATE_BUCKET",
        "STORED_DAYS",
    }
    assert [item for item in project if "TOKEN" in item["name"]] == [
        {
            "name": "SONAR_TOKEN",
            "value": "arn:aws:secretsmanager:::gate-scan-sonar-token",
            "type": "SECRETS_MANAGER",
        }
    ]


def test_a_stack_without_sonarqube_has_no_secret_at_all():
    built = program(scanners=["bandit"], sonarToken="")

    assert not built.all("secretsmanager/secret:Secret")
    assert "secretsmanager:GetSecretValue" not in json.dumps(built.policies())


DEPLOYER = "arn:aws:iam::999999999999:role/deploy"
UPLOADER = "arn:aws:iam::888888888888:role/payments-build"


def test_every_setting_reaches_its_resource():
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
        deployers=[DEPLOYER],
        uploaders={"payments": [UPLOADER]},
        customActions=[],
        evidenceLock="compliance",
        evidenceLockDays=9,
        recordApprover=True,
        approvalCovers="findings",
        approvals=2,
        selfApproval="refuse",
        people={"U0123456789": "ada@example.com"},
        architecture="arm64",
        computeType="BUILD_GENERAL1_SMALL",
        logRetentionDays=14,
        uploadRetentionDays=11,
        userRoleRequired=True,
        createEmailIdentity=False,
        maxHigh=7,
    )
    project = built.one("codebuild/project:Project").inputs
    states = json.loads(built.one("sfn/stateMachine:StateMachine").inputs["definition"])["States"]
    notify = built.variables("gate-notify")
    lock = built.one("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration").inputs
    variables = {
        variable["name"]: variable["value"]
        for variable in project["environment"]["environmentVariables"]
    }
    lifecycle = built.one(
        "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "gate-uploads"
    )

    assert (project["buildTimeout"], project["queuedTimeout"]) == (45, 120)
    assert states["Scan"]["TimeoutSeconds"] == (45 + 120 + 5) * 60
    assert "($escalated ? 0 : 3600000)" in states["AwaitDecision"]["TimeoutSeconds"]
    assert str(6 * 3600 * 1000) in states["CheckBuildStatus"]["Assign"]["expiresAt"]
    assert states["PublishEscalation"]["Arguments"]["TopicArn"] == ON_CALL
    assert f"($reminded ? 0 : {12 * 3600 * 1000})" in states["AwaitWithdrawal"]["TimeoutSeconds"]
    assert "WaitForAuditLog" in states
    assert built.variables("gate-approval")["APPROVALS"] == "2"
    four_eyes = {"SELF_APPROVAL": "refuse", "PEOPLE": '{"U0123456789": "ada@example.com"}'}
    assert four_eyes.items() <= notify.items()
    assert {**four_eyes, "APPROVALS": "2"}.items() <= built.variables("gate-callback").items()
    check = built.variables("gate-check-build-status")
    assert {**four_eyes, "APPROVAL_COVERS": "findings"}.items() <= check.items()
    assert built.variables("gate-approval")["EXCEPTION_SECONDS"] == str(2 * 86400)
    assert built.variables("gate-approval")["MAX_EXCEPTION_SECONDS"] == str(3 * 86400)
    assert json.loads(notify["RECIPIENTS"])["payments"] == ["payments@example.com"]
    assert json.loads(notify["UPLOADER_DOMAINS"]) == ["example.com"]
    assert notify["ESCALATION_MENTION"] == "<!subteam^S0123456789>"
    assert notify["TEAM_BUTTONS"] == "{}"
    uploads = built.one("s3/bucketPolicy:BucketPolicy", "gate-uploads").policy()
    assert [item["Principal"] for item in uploads if item["Effect"] == "Allow"] == [
        {"AWS": [DEPLOYER]},
        {"AWS": [UPLOADER]},
    ]
    assert lock["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 9}}
    assert project["environment"]["type"] == "ARM_CONTAINER"
    assert project["environment"]["computeType"] == "BUILD_GENERAL1_SMALL"
    assert {
        group.inputs["retentionInDays"] for group in built.all("cloudwatch/logGroup:LogGroup")
    } == {14}
    assert lifecycle.inputs["rules"][0]["noncurrentVersionExpiration"] == {"noncurrentDays": 11}
    channel = built.one("cloudcontrol/resource:Resource", "gate-channel").desired
    assert channel["UserRoleRequired"] is True
    assert not built.all("sesv2/emailIdentity:EmailIdentity")
    assert json.loads(variables["LIMITS"])["HIGH"] == 7


def test_outputs_name_the_resources_that_people_and_commands_use(dev: Built):
    console = f"https://{REGION}.console.aws.amazon.com"

    assert dev.outputs == {
        "uploadBucket": "gate-uploads",
        "artifactsBucket": "gate-artifacts",
        "stateBucket": "gate-state",
        "stateMachine": "arn:aws:sfn:::gate-pipeline",
        "topic": "arn:aws:sns:::gate-notifications",
        "approvalFunction": "gate-approval",
        "rescanFunction": "gate-rescan",
        "deadLetterQueue": "https://queue/gate-dead-letters",
        "dashboardUrl": f"{console}/cloudwatch/home?region={REGION}"
        "#dashboards/dashboard/chatops-slack-dev-gate",
        "executionsUrl": f"{console}/states/home?region={REGION}#/statemachines/view/"
        "arn:aws:sfn:::gate-pipeline",
        "buildsUrl": f"{console}/codesuite/codebuild/{ACCOUNT}/projects/gate-scan/history"
        f"?region={REGION}",
        "evidenceUrl": f"{console}/s3/buckets/gate-artifacts?region={REGION}&prefix=scans/",
        "key": "arn:aws:kms:::gate-key",
        "uploadCommand": "aws s3 cp app.zip s3://gate-uploads/APP/app.zip",
        "senderDnsRecords": "",
        "approvals": 1,
        "people": {},
    }
