"""Whether versions without clearance can be read by bypassing the upload bucket's policy."""

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from domain.stored_objects import error_code
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine
from ops.preflight.policies import policy_findings
from ops.program import GATE, Resource

# The logical name of each bucket, and the output that has its physical name.
BUCKETS = {"uploads": "uploadBucket", "artifacts": "artifactsBucket"}


def bucket_policies(environment: Environment) -> Iterator[Finding]:
    """Whether the policies of the buckets for uploads and evidence are unchanged."""
    if not environment.deployed:
        return
    for label, output in BUCKETS.items():
        yield from _policy(environment, label, environment.outputs[output])


def replication(environment: Environment) -> Iterator[Finding]:
    """Whether uploads are replicated to a bucket that does not check the clearance.

    The upload bucket's policy denies it, but a policy can be changed.
    """
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
    try:
        document = json.loads(environment.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        document = {"Statement": []}
    why = f"{label} may be read, written, tagged or deleted by others than the program lets"
    owner = f"the policy of {bucket}"
    yield from policy_findings(environment, owner, bucket_policy(environment, label), document, why)


def bucket_policy(environment: Environment, label: str) -> Resource:
    """The bucket policy that the program writes."""
    [resource] = [
        resource
        for resource in environment.resources
        if resource.kind == "aws:s3/bucketPolicy:BucketPolicy"
        and resource.name == f"{GATE}-{label}"
    ]
    return resource
