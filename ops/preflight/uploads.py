"""Whether a version that is not cleared stays unreadable: ways around the bucket's policy."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from domain.stored_objects import error_code
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, warning
from ops.program import GATE

# What a bucket is called in the program, and the output that has its name.
GUARDED = {"uploads": "uploadBucket", "artifacts": "artifactsBucket"}
# Anyone who may do one of these can lift the guard, or have what it guards copied past it.
LIFTING = (
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutReplicationConfiguration",
)


def guard(its: Environment) -> Iterator[Finding]:
    """Whether the policies on uploads and evidence are those that the program wrote."""
    if not its.deployed:
        return
    for label, output in GUARDED.items():
        yield from _policy(its, label, its.outputs[output])


def copies(its: Environment) -> Iterator[Finding]:
    """Whether S3 itself copies uploads to where no clearance is asked for."""
    if not its.deployed:
        return
    s3, bucket = its.client("s3"), its.outputs["uploadBucket"]
    try:
        rules = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"]
    except ClientError as error:
        if error_code(error) != "ReplicationConfigurationNotFoundError":
            raise
        rules = []
    to = sorted({rule["Destination"]["Bucket"] for rule in rules if rule["Status"] == "Enabled"})
    if to:
        yield failed(
            f"{bucket} is replicated to {', '.join(to)}",
            "the copies can be read without a clearance; S3 replicates past the denials",
            f"aws s3api delete-bucket-replication --bucket {bucket}",
        )
    else:
        yield fine(f"{bucket} is not replicated")


def grants(its: Environment) -> Iterator[Finding]:
    """Whether a deployer could lift the guard, by rights of its own."""
    if not its.deployed:
        return
    iam, bucket = its.client("iam"), f"arn:aws:s3:::{its.outputs['uploadBucket']}"
    could = []
    for arn in its.settings.deployers:
        if arn.split(":")[4] != its.identity.account:
            continue  # across accounts the bucket's policy alone decides
        results = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=list(LIFTING), ResourceArns=[bucket]
        )["EvaluationResults"]
        may = [
            result["EvalActionName"] for result in results if result["EvalDecision"] == "allowed"
        ]
        if may:
            could.append(arn)
            yield warning(
                f"deployer {arn} may {', '.join(may)}",
                "it can lift the guard on uploads, and deploy what nobody cleared",
                "take that from its policies; it needs s3:GetObject* on the bucket only",
            )
    if not could:
        yield fine("no deployer can lift the guard")


def _policy(its: Environment, label: str, bucket: str) -> Iterator[Finding]:
    written = written_policy(its, label)
    try:
        document = json.loads(its.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        document = {"Statement": []}
    again = f"pulumi refresh --stack {its.stack} && pulumi up --stack {its.stack}"
    missing = _names(written, "Deny") - _names(document["Statement"], "Deny")
    for sid in sorted(missing):
        yield failed(
            f"{bucket}: the denial {sid} is gone from the bucket's policy",
            "what it kept from happening can be done now, such as to read what nobody cleared",
            again,
        )
    strangers = sorted(_names(document["Statement"], "Allow") - _names(written, "Allow"))
    if strangers:
        yield failed(
            f"{bucket}: the policy allows more than the program wrote: {', '.join(strangers)}",
            f"somebody else may read or write {label}",
            again,
        )
    if not (missing or strangers):
        yield fine(f"the policy of {bucket} is as the program wrote it")


def written_policy(its: Environment, label: str) -> list[dict[str, Any]]:
    """The statements that the program writes on a bucket."""
    [policy_resource] = [
        resource
        for resource in its.resources
        if resource.kind == "aws:s3/bucketPolicy:BucketPolicy"
        and resource.name == f"{GATE}-{label}"
    ]
    return policy_resource.policy()


def _names(statements: list[dict[str, Any]], effect: str) -> set[str]:
    """The statements of one effect, by their name or else by whom they are about."""
    return {
        str(statement.get("Sid") or statement["Principal"])
        for statement in statements
        if statement["Effect"] == effect
    }
