"""What roles may do with objects, of all roles: derived from the policies, not from a list."""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.support.recording import Built, program

S3 = "arn:aws:s3:::"
KEY = "arn:aws:kms:::gate-key"
READS = ("s3:GetObject", "s3:GetObjectVersion")
# Roles to which S3 answers 403 about an object that is missing, as about one that they may not read
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html), and why that is enough.
FORBIDDEN = {
    ("gate-uploader", "gate-artifacts"): "it reads only what S3 has just said to exist",
    ("gate-scan", "gate-artifacts"): "it reads only what S3 has just said to exist, and a list "
    "would have the ids of all scans, which are those of uploads",
    ("gate-scan", "gate-state"): "CodeBuild fetches the code, which exists, and does without a "
    "cache that it cannot fetch; a list would have the ids of all scans that wait",
}


def grants(built: Built) -> dict[str, set[tuple[str, str]]]:
    """The rights of each role, as pairs of action and resource."""
    result: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for role_policy in built.all("iam/rolePolicy:RolePolicy"):
        result[role_policy.inputs["role"]] |= built.rights(role_policy.name)
    return result


def objects(rights: set[tuple[str, str]], *actions: str) -> Iterator[tuple[str, str]]:
    """The objects on which one of ``actions`` is allowed, each with its bucket."""
    for action, resource in sorted(rights):
        if action in actions:
            yield resource.removeprefix(S3).partition("/")[0], resource


def test_a_role_that_may_write_an_object_may_read_it(everything: Built):
    """After a 412 a writer reads what another one has written, or this one, in a lost response."""
    written = [
        (role, resource, rights)
        for role, rights in grants(everything).items()
        for _, resource in objects(rights, "s3:PutObject")
    ]

    assert len({role for role, _, _ in written}) > 4
    for role, resource, rights in written:
        assert ("s3:GetObject", resource) in rights, (role, resource)
        assert ("kms:Decrypt", KEY) in rights, role


def test_a_role_that_reads_sees_what_is_missing(everything: Built):
    forbidden = {
        (role, bucket)
        for role, rights in grants(everything).items()
        for bucket, _ in objects(rights, *READS)
        if ("s3:ListBucket", S3 + bucket) not in rights
    }

    assert forbidden == FORBIDDEN.keys()


@pytest.mark.slow
def test_who_reads_by_a_buckets_policy_sees_what_is_missing():
    built = program("prod", deployers=["arn:aws:iam::999999999999:role/deploy"])
    allowed = [
        (policy.name, statement)
        for policy in built.all("s3/bucketPolicy:BucketPolicy")
        for statement in policy.policy()
        if statement["Effect"] == "Allow" and set(READS) & set(statement["Action"])
    ]

    assert allowed
    for bucket, statement in allowed:
        assert "s3:ListBucket" in statement["Action"], bucket
        assert S3 + bucket in statement["Resource"], bucket
