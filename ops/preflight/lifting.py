"""Rights by which a principal could get around the gate: whether deployers and uploaders have any.

A deployer needs to read, an uploader to write its zips (components/access.py). This list follows
from docs/threat-model.md, which shows it; a test compares it with every action that writes to a
resource of these types, by the Service Authorization Reference: each is here, or why not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.access import principals_of
from domain.evidence_paths import evidence_key, waiting_key
from domain.partition import PARTITION
from ops.preflight.environment import Environment, every
from ops.preflight.finding import Finding, fine, listed, warning
from ops.program import PROJECT
from ops.rights import trusted


@dataclass(frozen=True, kw_only=True)
class Lifting:
    """``actions`` on a resource, a key of ``arns``; ``could`` is what they allow."""

    on: str
    actions: str
    could: str

    @property
    def names(self) -> list[str]:
        """The actions in full."""
        return self.actions.split()


LIFTING = (
    Lifting(
        on="upload bucket",
        # Whether the objects' refusal to be replicated suffices, only AWS can show.
        # Without versions, an upload that is written again keeps the id under which it was scanned
        # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html).
        actions="s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutReplicationConfiguration "
        "s3:PutBucketVersioning",
        could="read versions without a clearance, set the clearance, or replace what was scanned",
    ),
    Lifting(
        on="artifacts bucket",
        # With other ownership controls, an ACL can let anybody write.
        actions="s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutBucketAcl "
        "s3:PutBucketOwnershipControls s3:PutLifecycleConfiguration "
        "s3:PutBucketObjectLockConfiguration s3:PutEncryptionConfiguration",
        could="replace or remove evidence, or keep a withdrawal from being recorded",
    ),
    Lifting(
        on="evidence",
        actions="s3:PutObject s3:DeleteObject s3:DeleteObjectVersion s3:PutObjectRetention "
        "s3:PutObjectLegalHold s3:BypassGovernanceRetention",
        could="write a decision that nobody made, or remove evidence",
    ),
    Lifting(
        on="state bucket",
        actions="s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutBucketAcl "
        "s3:PutBucketOwnershipControls s3:PutReplicationConfiguration "
        "s3:PutLifecycleConfiguration",
        could="write to the builds' cache, or read or remove tokens of waiting executions",
    ),
    Lifting(
        on="builds' cache",
        actions="s3:PutObject s3:ReplicateObject",
        could="run code in builds",
    ),
    Lifting(
        on="task tokens",
        # Without its token an execution sees a withdrawal only when the approval expires.
        actions="s3:PutObject s3:ReplicateObject s3:DeleteObject s3:DeleteObjectVersion "
        "s3:ReplicateDelete",
        could="keep a withdrawal from taking effect",
    ),
    Lifting(
        on="key",
        actions="kms:PutKeyPolicy",
        could="use the key past the services, or take it from the gate",
    ),
    Lifting(
        on="roles",
        actions="iam:PassRole iam:PutRolePolicy iam:AttachRolePolicy iam:UpdateAssumeRolePolicy "
        "iam:CreateRole iam:DeleteRolePolicy iam:PutRolePermissionsBoundary",
        could="act as the pipeline, which sets clearances, or keep it from ending an approval",
    ),
    Lifting(
        on="guardrail",
        actions="iam:CreatePolicyVersion iam:SetDefaultPolicyVersion",
        could="let the channel run other commands",
    ),
    Lifting(
        on="functions",
        actions="lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration "
        "lambda:InvokeFunction lambda:InvokeAsync lambda:AddPermission lambda:PutResourcePolicy "
        "lambda:CreateFunctionUrlConfig lambda:UpdateFunctionUrlConfig lambda:DeleteFunction "
        "lambda:PutFunctionConcurrency",
        could="decide without the channel, change how scans are evaluated, or keep a withdrawal "
        "from taking effect",
    ),
    Lifting(
        on="scan project",
        # With overrides, StartBuild runs any commands as the scan.
        actions="codebuild:StartBuild codebuild:StartBuildBatch codebuild:StartSandbox "
        "codebuild:UpdateProject codebuild:PutResourcePolicy",
        could="run code as the scan, which reads uploads and writes reports",
    ),
    Lifting(
        on="state machine",
        actions="states:UpdateStateMachine states:DeleteStateMachine states:StartExecution",
        could="set a clearance without a decision, keep an approval from expiring, or scan an "
        "event that it made up",
    ),
    Lifting(
        on="executions",
        actions="states:StopExecution",
        could="keep an approval from expiring",
    ),
    Lifting(
        on="rules",
        # Another pattern needs no role, and a function no role to be called with another input
        # (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html and
        # API_PutTargets.html).
        actions="events:PutRule events:PutTargets",
        could="start a scan of an event that it made up, or keep a withdrawal from taking effect",
    ),
    Lifting(
        on="dead letters",
        actions="sqs:SendMessage sqs:AddPermission sqs:SetQueueAttributes",
        could="have an operator start a scan of an event that it made up",
    ),
    Lifting(
        on="token",
        actions="secretsmanager:GetSecretValue secretsmanager:PutSecretValue "
        "secretsmanager:UpdateSecret "
        "secretsmanager:UpdateSecretVersionStage secretsmanager:PutResourcePolicy "
        "secretsmanager:RotateSecret secretsmanager:ReplicateSecretToRegions",
        could="read or replace the token for SonarQube",
    ),
    Lifting(
        on="topic",
        actions="sns:Publish sns:AddPermission sns:SetTopicAttributes",
        could="show the channel a card that nobody sent",
    ),
    Lifting(
        on="channel",
        # CreateCustomAction, of no resource type, makes a button that no channel shows yet.
        actions="chatbot:UpdateSlackChannelConfiguration chatbot:AssociateToConfiguration",
        could="ask another channel, or add a button that decides",
    ),
    Lifting(
        on="buttons",
        actions="chatbot:UpdateCustomAction",
        could="let a button do something else",
    ),
)


def grants(environment: Environment) -> Iterator[Finding]:
    """Whether deployers or uploaders have rights by which they could get around the gate."""
    if not environment.deployed:
        return
    settings = environment.settings
    principals = {*settings.deployers, *principals_of(settings.uploaders)}
    resources, with_rights = arns(environment), []
    for principal in sorted(principals):
        if principal.split(":")[4] != environment.identity.account:
            continue  # the policies here give another account's principals nothing else
        allowed = {
            lifting: names
            for lifting in LIFTING
            if (names := _allowed(environment, principal, lifting, resources[lifting.on]))
        }
        if allowed:
            with_rights.append(principal)
            names = sorted({name for names in allowed.values() for name in names})
            yield warning(
                f"{principal} may {listed(names)}",
                f"it could {'; '.join(dict.fromkeys(item.could for item in allowed))}",
                "take that from its policies: docs/threat-model.md, Rights that lift the gate",
            )
    if not with_rights:
        yield fine("no deployer and no uploader has rights to get around the gate")


def arns(environment: Environment) -> dict[str, list[str]]:
    """The ARNs of what ``LIFTING`` names, as far as they exist."""
    outputs, prefix = environment.outputs, environment.prefix
    account = environment.identity.account
    artifacts = f"arn:{PARTITION}:s3:::{outputs['artifactsBucket']}"
    state = f"arn:{PARTITION}:s3:::{outputs['stateBucket']}"
    machine = outputs["stateMachine"]
    iam = environment.client("iam")
    tagged = [
        mapping["ResourceARN"]
        for mapping in every(
            environment.client("resourcegroupstaggingapi"),
            "get_resources",
            "ResourceTagMappingList",
            TagFilters=[
                {"Key": "project", "Values": [PROJECT]},
                {"Key": "stack", "Values": [environment.stack]},
            ],
        )
    ]
    buttons = environment.desired("AWS::Chatbot::CustomAction")
    scans = [f"{app}/preflight" for app in _apps(environment)]
    chat = f"arn:{PARTITION}:chatbot::{account}"
    return {
        "upload bucket": [f"arn:{PARTITION}:s3:::{outputs['uploadBucket']}"],
        "artifacts bucket": [artifacts],
        "evidence": [f"{artifacts}/{evidence_key(scan, 'decision.json')}" for scan in scans],
        "state bucket": [state],
        "builds' cache": [f"{state}/cache/preflight"],
        "task tokens": [f"{state}/{waiting_key(scan)}" for scan in scans],
        "key": [outputs["key"]],
        "roles": _of_prefix(every(iam, "list_roles", "Roles"), prefix),
        "guardrail": _of_prefix(every(iam, "list_policies", "Policies", Scope="Local"), prefix),
        "functions": _of_service(tagged, "lambda"),
        "scan project": _of_service(tagged, "codebuild"),
        "state machine": [machine],
        "executions": [f"{machine.replace(':stateMachine:', ':execution:')}:preflight"],
        "rules": _of_service(tagged, "events"),
        "dead letters": _of_service(tagged, "sqs"),
        "token": _of_service(tagged, "secretsmanager"),
        "topic": [outputs["topic"]],
        "channel": [f"{chat}:chat-configuration/slack-channel/{prefix}"],
        "buttons": [f"{chat}:custom-action/{button['ActionName']}" for button in buttons],
    }


def _apps(environment: Environment) -> list[str]:
    """The apps that settings name, and one that they don't: IAM is asked about single ARNs."""
    settings = environment.settings
    named = {*settings.uploaders, *settings.app_recipients, "*"}
    return sorted({app.replace("*", "preflight") for app in named})


def _of_service(arns: Iterable[str], service: str) -> list[str]:
    return [arn for arn in arns if arn.split(":")[2] == service]


def _of_prefix(described: Iterable[Mapping[str, str]], prefix: str) -> list[str]:
    return [item["Arn"] for item in described if item["Arn"].split("/")[-1].startswith(prefix)]


def _allowed(
    environment: Environment, principal: str, lifting: Lifting, resources: Sequence[str]
) -> set[str]:
    """The actions of ``lifting`` that the principal's own policies allow on any of ``resources``.

    The decision on an action is that on the resource where it is strictest
    (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html).
    """
    if not resources:
        return set()
    return {
        result["EvalActionName"]
        for context in _contexts(environment, lifting)
        for result in every(
            environment.client("iam"),
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=principal,
            ActionNames=lifting.names,
            ResourceArns=list(resources),
            ContextEntries=context,
        )
        if result["EvalDecision"] == "allowed"
        or any(
            specific["EvalResourceDecision"] == "allowed"
            for specific in result.get("ResourceSpecificResults", [])
        )
    }


def _contexts(environment: Environment, lifting: Lifting) -> list[list[dict[str, Any]]]:
    """The contexts to ask about: a policy may allow PassRole to one service only."""
    if "iam:PassRole" not in lifting.names:
        return [[]]
    services = {service for resource in environment.resources for service in trusted(resource)}
    return [
        [
            {
                "ContextKeyName": "iam:PassedToService",
                "ContextKeyValues": [service],
                "ContextKeyType": "string",
            }
        ]
        for service in sorted(services)
    ]
