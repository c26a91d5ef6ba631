"""Whether a version that is not cleared stays unreadable: ways around the bucket's policy."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, warning
from ops.problem import error_code

# Whoever may do one of these can lift the guard, or have what it guards copied past it.
LIFTING = (
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutReplicationConfiguration",
)


def guard(its: Environment) -> Iterator[Finding]:
    """Whether the policy on the upload bucket is the one that the program wrote."""
    if not its.deployed:
        return
    s3, bucket = its.client("s3"), its.outputs["uploadBucket"]
    wanted = _denials(_written_policy(its))
    try:
        document = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        document = {"Statement": []}
    missing = wanted.keys() - _denials(document["Statement"]).keys()
    for sid in sorted(missing):
        yield failed(
            f"{bucket}: the denial {sid} is gone from the bucket's policy",
            "without it uploads that nobody cleared can be read, or tagged as cleared",
            f"pulumi refresh --stack {its.stack} && pulumi up --stack {its.stack}",
        )
    strangers = sorted(
        str(each.get("Sid", each["Principal"]))
        for each in document["Statement"]
        if each["Effect"] == "Allow" and each.get("Sid") != "DeployersRead"
    )
    if strangers:
        yield failed(
            f"{bucket}: the policy allows more than the program wrote: {', '.join(strangers)}",
            "somebody else may read or write uploads",
            f"pulumi refresh --stack {its.stack} && pulumi up --stack {its.stack}",
        )
    if not (missing or strangers):
        yield fine(f"the policy of {bucket} is as the program wrote it")


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
        if arn.split(":")[4] != its.caller.account:
            continue  # across accounts the bucket's policy alone decides
        results = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=list(LIFTING), ResourceArns=[bucket]
        )["EvaluationResults"]
        may = [each["EvalActionName"] for each in results if each["EvalDecision"] == "allowed"]
        if may:
            could.append(arn)
            yield warning(
                f"deployer {arn} may {', '.join(may)}",
                "it can lift the guard on uploads, and deploy what nobody cleared",
                "take that from its policies; it needs s3:GetObject* on the bucket only",
            )
    if not could:
        yield fine("no deployer can lift the guard")


def _written_policy(its: Environment) -> list[dict[str, Any]]:
    [found] = [
        each
        for each in its.resources
        if each.kind == "aws:s3/bucketPolicy:BucketPolicy" and each.name == "uploads"
    ]
    return found.policy()


def _denials(statements: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in statements if each["Effect"] == "Deny" and "Sid" in each}
