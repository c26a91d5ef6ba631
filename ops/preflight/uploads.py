"""Whether versions without clearance can be read by bypassing the upload bucket's policy."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from domain.stored_objects import error_code
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine
from ops.program import GATE

# The logical name of each bucket, and the output that has its physical name.
GUARDED = {"uploads": "uploadBucket", "artifacts": "artifactsBucket"}


def guard(environment: Environment) -> Iterator[Finding]:
    """Whether the policies of the buckets for uploads and evidence are unchanged."""
    if not environment.deployed:
        return
    for label, output in GUARDED.items():
        yield from _policy(environment, label, environment.outputs[output])


def copies(environment: Environment) -> Iterator[Finding]:
    """Whether S3 replicates uploads to a bucket that does not check the clearance."""
    if not environment.deployed:
        return
    s3, bucket = environment.client("s3"), environment.outputs["uploadBucket"]
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
            "a copy can be read without a clearance, once the bucket's policy no longer refuses it",
            f"aws s3api delete-bucket-replication --bucket {bucket}",
        )
    else:
        yield fine(f"{bucket} is not replicated")


def _policy(environment: Environment, label: str, bucket: str) -> Iterator[Finding]:
    written = written_policy(environment, label)
    try:
        document = json.loads(environment.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        document = {"Statement": []}
    again = f"pulumi refresh --stack {environment.stack} && pulumi up --stack {environment.stack}"
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


def written_policy(environment: Environment, label: str) -> list[dict[str, Any]]:
    """The statements of the bucket policy that the program writes."""
    [policy_resource] = [
        resource
        for resource in environment.resources
        if resource.kind == "aws:s3/bucketPolicy:BucketPolicy"
        and resource.name == f"{GATE}-{label}"
    ]
    return policy_resource.policy()


def _names(statements: list[dict[str, Any]], effect: str) -> set[str]:
    """The statements of one effect, each by its Sid or else its principal."""
    return {
        str(statement.get("Sid") or statement["Principal"])
        for statement in statements
        if statement["Effect"] == effect
    }
