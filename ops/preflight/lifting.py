"""Rights by which a principal could get around the gate: whether deployers and uploaders have any.

A deployer needs to read, an uploader to write its zips (components/access.py). This list follows
from docs/threat-model.md, which shows it; a test compares it with every action that writes to a
resource of these types, by the Service Authorization Reference: each is here, or why not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.access import principals_of
from domain.partition import PARTITION
from ops.preflight.environment import Environment, every
from ops.preflight.finding import Finding, fine, warning

# The most actions that a finding names.
SHOWN = 8


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
        actions="s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutReplicationConfiguration",
        could="read versions without a clearance, or set the clearance",
    ),
    Lifting(
        on="artifacts bucket",
        # With other ownership controls, an ACL can let anybody write.
        actions="s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutBucketAcl "
        "s3:PutBucketOwnershipControls s3:PutLifecycleConfiguration "
        "s3:PutBucketObjectLockConfiguration",
        could="replace or remove evidence",
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
        "s3:PutBucketOwnershipControls s3:PutReplicationConfiguration",
        could="write to the builds' cache, or read tokens of waiting executions",
    ),
    Lifting(
        on="builds' cache",
        actions="s3:PutObject s3:ReplicateObject",
        could="run code in builds",
    ),
    Lifting(
        on="key",
        actions="kms:PutKeyPolicy",
        could="use the key past the services, or take it from the gate",
    ),
    Lifting(
        on="roles",
        actions="iam:PassRole iam:PutRolePolicy iam:AttachRolePolicy iam:UpdateAssumeRolePolicy "
        "iam:CreateRole",
        could="act as the pipeline, which sets clearances",
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
        "lambda:CreateFunctionUrlConfig lambda:UpdateFunctionUrlConfig",
        could="decide without the channel, or change how scans are evaluated",
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
        actions="chatbot:UpdateSlackChannelConfiguration",
        could="ask another channel",
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
    settings, could = environment.settings, []
    principals = {*settings.deployers, *principals_of(settings.uploaders)}
    resources = arns(environment)
    for principal in sorted(principals):
        if principal.split(":")[4] != environment.identity.account:
            continue  # the policies here give another account's principals nothing else
        allowed = {
            lifting: names
            for lifting in LIFTING
            if (names := _allowed(environment, principal, lifting, resources[lifting.on]))
        }
        if allowed:
            could.append(principal)
            names = sorted({name for names in allowed.values() for name in names})
            listed = ", ".join(names[:SHOWN])
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield warning(
                f"{principal} may {listed}{more}",
                f"it could {'; '.join(dict.fromkeys(item.could for item in allowed))}",
                "take that from its policies: docs/threat-model.md, Rights that lift the gate",
            )
    if not could:
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
            ResourceTypeFilters=["lambda:function", "codebuild:project", "secretsmanager:secret"],
            TagFilters=[
                {"Key": "project", "Values": ["chatops-slack"]},
                {"Key": "stack", "Values": [environment.stack]},
            ],
        )
    ]
    buttons = environment.desired("AWS::Chatbot::CustomAction")
    chat = f"arn:{PARTITION}:chatbot::{account}"
    return {
        "upload bucket": [f"arn:{PARTITION}:s3:::{outputs['uploadBucket']}"],
        "artifacts bucket": [artifacts],
        "evidence": [f"{artifacts}/scans/preflight"],
        "state bucket": [state],
        "builds' cache": [f"{state}/cache/preflight"],
        "key": [outputs["key"]],
        "roles": _of_prefix(every(iam, "list_roles", "Roles"), prefix),
        "guardrail": _of_prefix(every(iam, "list_policies", "Policies", Scope="Local"), prefix),
        "functions": [arn for arn in tagged if ":lambda:" in arn],
        "scan project": [arn for arn in tagged if ":codebuild:" in arn],
        "state machine": [machine],
        "executions": [f"{machine.replace(':stateMachine:', ':execution:')}:preflight"],
        "token": [arn for arn in tagged if ":secretsmanager:" in arn],
        "topic": [outputs["topic"]],
        "channel": [f"{chat}:chat-configuration/slack-channel/{prefix}"],
        "buttons": [f"{chat}:custom-action/{button['ActionName']}" for button in buttons],
    }


def _of_prefix(described: Iterable[Mapping[str, str]], prefix: str) -> list[str]:
    return [item["Arn"] for item in described if item["Arn"].split("/")[-1].startswith(prefix)]


def _allowed(
    environment: Environment, principal: str, lifting: Lifting, resources: Sequence[str]
) -> list[str]:
    """The actions of ``lifting`` that the principal's own policies allow."""
    if not resources:
        return []
    results: Iterable[Mapping[str, str]] = every(
        environment.client("iam"),
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn=principal,
        ActionNames=lifting.names,
        ResourceArns=list(resources),
        # Without a service no policy that names one allows PassRole.
        ContextEntries=[
            {
                "ContextKeyName": "iam:PassedToService",
                "ContextKeyValues": ["lambda.amazonaws.com"],
                "ContextKeyType": "string",
            }
        ],
    )
    return [item["EvalActionName"] for item in results if item["EvalDecision"] == "allowed"]
