import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi_aws as aws
import pytest

from components.policy import Grant, policy
from components.storage import Storage, StorageArgs
from tests.support.policy_evaluator import decide
from tests.support.recording import ACCOUNT, CONTEXT, REGION, Built, build

BUCKETS = ["gate-access-logs", "gate-artifacts", "gate-state", "gate-uploads"]


@cache
def storage(*, protect: bool = False, **changed: Any) -> Built:
    context = replace(CONTEXT, protect=protect)
    return build(lambda: Storage("gate", StorageArgs(context=context, **changed)))


@pytest.fixture(scope="module")
def built() -> Built:
    return storage()


def test_there_are_four_buckets(built: Built):
    assert sorted(bucket.name for bucket in built.all("s3/bucket:Bucket")) == BUCKETS


@pytest.mark.parametrize("bucket", BUCKETS)
def test_no_bucket_can_be_made_public(built: Built, bucket: str):
    block = built.one("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket)
    ownership = built.one("s3/bucketOwnershipControls:BucketOwnershipControls", bucket)

    assert block.inputs == {
        "bucket": bucket,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert ownership.inputs == {
        "bucket": bucket,
        "rule": {"objectOwnership": "BucketOwnerEnforced"},
    }


@pytest.mark.parametrize(
    ("bucket", "encryption", "bucket_key"),
    [
        (
            "gate-uploads",
            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:::gate-key"},
            True,
        ),
        (
            "gate-artifacts",
            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:::gate-key"},
            True,
        ),
        (
            "gate-state",
            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:::gate-key"},
            True,
        ),
        # S3 can't deliver access logs into a bucket under a customer's key.
        ("gate-access-logs", {"sseAlgorithm": "AES256"}, False),
    ],
    ids=["gate-uploads", "gate-artifacts", "gate-state", "access logs"],
)
def test_every_bucket_is_encrypted(
    built: Built, bucket: str, encryption: dict[str, str], bucket_key: bool
):
    resource = built.one(
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", bucket
    )

    assert resource.inputs == {
        "bucket": bucket,
        "rules": [
            {"applyServerSideEncryptionByDefault": encryption, "bucketKeyEnabled": bucket_key}
        ],
    }


def test_every_bucket_but_that_of_access_logs_has_versions(built: Built):
    versioned = built.all("s3/bucketVersioning:BucketVersioning")

    assert {bucket.inputs["bucket"] for bucket in versioned} == {
        "gate-uploads",
        "gate-artifacts",
        "gate-state",
    }
    assert [bucket.inputs["versioningConfiguration"] for bucket in versioned] == [
        {"status": "Enabled"}
    ] * 3


def rules(built: Built, bucket: str) -> dict[str, dict[str, Any]]:
    resource = built.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket)
    assert resource.inputs["bucket"] == bucket
    assert {rule["status"] for rule in resource.inputs["rules"]} == {"Enabled"}
    return {
        rule["id"]: {key: value for key, value in rule.items() if key not in ("id", "status")}
        for rule in resource.inputs["rules"]
    }


ABORT = {"abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}}


def replaced(days: int) -> dict[str, Any]:
    return {
        "filter": {},
        "expiration": {"expiredObjectDeleteMarker": True},
        "noncurrentVersionExpiration": {"noncurrentDays": days},
        **ABORT,
    }


def test_replaced_uploads_expire_after_the_configured_days_and_current_ones_never():
    assert rules(storage(upload_retention_days=17), "gate-uploads") == {
        "replaced-versions": replaced(17)
    }


def test_evidence_is_never_deleted():
    assert rules(storage(), "gate-artifacts") == {"parts": {"filter": {}, **ABORT}}


def test_state_objects_expire_after_the_longest_lifecycle():
    assert rules(storage(), "gate-state") == {
        "waiting": {"filter": {"prefix": "waiting/"}, "expiration": {"days": 400}},
        "resting": {"filter": {"prefix": "resting/"}, "expiration": {"days": 400}},
        "cache": {"filter": {"prefix": "cache/"}, "expiration": {"days": 30}},
        "thread-slots": {"filter": {"prefix": "thread-slots/"}, "expiration": {"days": 7}},
        "replaced-versions": replaced(7),
    }


def test_access_logs_are_kept_for_a_year():
    assert rules(storage(), "gate-access-logs") == {
        "expire": {"filter": {}, "expiration": {"days": 365}, **ABORT}
    }


@pytest.mark.parametrize("bucket", ["gate-uploads", "gate-state"])
def test_lifecycle_rules_about_versions_are_created_after_versioning(built: Built, bucket: str):
    lifecycle = built.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket)

    assert built.one("s3/bucketVersioning:BucketVersioning", bucket).urn in lifecycle.depends_on


@pytest.mark.parametrize("bucket", ["gate-uploads", "gate-artifacts", "gate-state"])
def test_access_is_logged(built: Built, bucket: str):
    assert built.one("s3/bucketLogging:BucketLogging", bucket).inputs == {
        "bucket": bucket,
        "targetBucket": "gate-access-logs",
        "targetPrefix": f"{bucket}/",
    }


def test_events_of_evidence_go_to_eventbridge(built: Built):
    """Those of uploads are in test_upload_events.py."""
    notification = built.one("s3/bucketNotification:BucketNotification")
    assert notification.inputs == {"bucket": "gate-artifacts", "eventbridge": True}


DEPLOYER, SOMEBODY = "arn:aws:iam::999999999999:role/deploy", "arn:aws:iam::123456789012:role/dev"
PIPELINE, SCANNER = "arn:aws:iam:::gate-pipeline", "arn:aws:iam:::gate-scan"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ZIP = "arn:aws:s3:::gate-uploads/payments/api.zip"
READ, TAG = "s3:GetObjectVersion", "s3:PutObjectVersionTagging"


@pytest.mark.parametrize(
    ("principal", "action", "resource", "status", "answer"),
    [
        (DEPLOYER, READ, ZIP, "passed", "allow"),
        (DEPLOYER, READ, ZIP, "approved", "allow"),
        (DEPLOYER, READ, ZIP, "failed", "deny"),
        (DEPLOYER, READ, ZIP, "rejected", "deny"),
        (DEPLOYER, READ, ZIP, "approval-expired", "deny"),
        (DEPLOYER, READ, ZIP, "error", "deny"),
        (DEPLOYER, READ, ZIP, None, "deny"),
        (DEPLOYER, "s3:ListBucketVersions", "arn:aws:s3:::gate-uploads", None, "allow"),
        (DEPLOYER, "s3:PutObject", ZIP, None, "nothing"),
        (DEPLOYER, TAG, ZIP, None, "deny"),
        (SOMEBODY, READ, ZIP, "passed", "nothing"),
        (SOMEBODY, READ, ZIP, None, "deny"),
        (SOMEBODY, TAG, ZIP, None, "deny"),
        (SOMEBODY, "s3:PutObject", ZIP, None, "nothing"),
        (SOMEBODY, "s3:PutObject", "arn:aws:s3:::gate-uploads/payments/api.tar", None, "deny"),
        (SCANNER, READ, ZIP, None, "nothing"),
        (SCANNER, TAG, ZIP, None, "deny"),
        (PIPELINE, TAG, ZIP, "failed", "nothing"),
        (PIPELINE, READ, ZIP, None, "deny"),
    ],
)
def test_only_cleared_versions_can_be_read_and_only_the_pipeline_clears_them(
    principal: str, action: str, resource: str, status: str | None, answer: str
):
    """``nothing`` leaves the decision to the role's own policy."""
    policy = (
        storage(deployers=(DEPLOYER,)).one("s3/bucketPolicy:BucketPolicy", "gate-uploads").policy()
    )
    tag = {} if status is None else {"s3:ExistingObjectTag/scan-status": status}

    assert decide(policy, principal=principal, action=action, resource=resource, **tag) == answer


def test_every_request_without_tls_is_denied():
    policy = (
        storage(deployers=(DEPLOYER,)).one("s3/bucketPolicy:BucketPolicy", "gate-uploads").policy()
    )
    plain = {"aws:SecureTransport": "false", "s3:ExistingObjectTag/scan-status": "passed"}

    assert decide(policy, principal=DEPLOYER, action=READ, resource=ZIP, **plain) == "deny"


def test_deployers_may_decrypt_what_they_read_and_nothing_else():
    *_, decrypt = storage(deployers=(DEPLOYER,)).one("kms/key:Key").policy()

    assert decrypt == {
        "Sid": "DeployersDecrypt",
        "Effect": "Allow",
        "Principal": {"AWS": [DEPLOYER]},
        "Action": ["kms:Decrypt"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
    }


def evidence_policy(**changed: Any) -> list[dict[str, Any]]:
    resource = storage(**changed).one("s3/bucketPolicy:BucketPolicy", "gate-artifacts")
    assert resource.inputs["bucket"] == "gate-artifacts"
    return resource.policy()


EVIDENCE = "arn:aws:s3:::gate-artifacts/scans/payments/v1/decision.json"
FIRST = {"s3:if-none-match": "*"}


@pytest.mark.slow
@pytest.mark.parametrize("principal", [PIPELINE, SCANNER, DEPLOYER, SOMEBODY, ROOT])
@pytest.mark.parametrize("protect", [False, True])
def test_evidence_is_written_once_no_matter_who_writes(principal: str, protect: bool):
    policy = evidence_policy(deployers=(DEPLOYER,), protect=protect)
    write = {"principal": principal, "action": "s3:PutObject", "resource": EVIDENCE}

    assert decide(policy, **write) == "deny"
    # S3 refuses this one if the object exists; otherwise the writer's own role decides.
    assert decide(policy, **write, **FIRST) == "nothing"


@pytest.mark.slow
@pytest.mark.parametrize("principal", [PIPELINE, SCANNER, DEPLOYER, SOMEBODY, ROOT])
@pytest.mark.parametrize(
    "action",
    [
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags",
        "s3:ObjectOwnerOverrideToBucketOwner",
    ],
)
def test_nobody_replicates_into_uploads_or_evidence(principal: str, action: str):
    """Replication needs no s3:PutObject, and brings the tags of its source."""
    built = storage(deployers=(DEPLOYER,))

    for bucket, resource in {"gate-uploads": ZIP, "gate-artifacts": EVIDENCE}.items():
        policy = built.one("s3/bucketPolicy:BucketPolicy", bucket).policy()
        for status in ({}, {"s3:ExistingObjectTag/scan-status": "passed"}, FIRST):
            request = {"principal": principal, "action": action, "resource": resource}
            assert decide(policy, **request, **status) == "deny"


@pytest.mark.parametrize("principal", [PIPELINE, SCANNER, DEPLOYER, SOMEBODY, ROOT])
def test_uploads_are_not_replicated_since_a_copy_has_no_clearance(principal: str):
    policy = storage(deployers=(DEPLOYER,)).one("s3/bucketPolicy:BucketPolicy", "gate-uploads")
    action = "s3:GetObjectVersionForReplication"

    answer = decide(policy.policy(), principal=principal, action=action, resource=ZIP)

    assert answer == "deny"


@pytest.mark.slow
@pytest.mark.parametrize("principal", [PIPELINE, SCANNER, DEPLOYER, SOMEBODY, ROOT])
@pytest.mark.parametrize(
    "action", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]
)
@pytest.mark.parametrize(
    ("protect", "lock_mode", "answer"),
    [
        (False, "", "nothing"),
        (True, "", "deny"),
        # Object Lock alone allows a delete marker, behind which a document is written again.
        (False, "GOVERNANCE", "deny"),
        (False, "COMPLIANCE", "deny"),
    ],
)
def test_evidence_is_retained_if_it_is_protected_or_locked(
    principal: str, action: str, protect: bool, lock_mode: str, answer: str
):
    policy = evidence_policy(deployers=(DEPLOYER,), protect=protect, lock_mode=lock_mode)

    assert decide(policy, principal=principal, action=action, resource=EVIDENCE) == answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("principal", "action", "resource", "answer"),
    [
        (DEPLOYER, "s3:GetObject", EVIDENCE, "allow"),
        (DEPLOYER, "s3:ListBucket", "arn:aws:s3:::gate-artifacts", "allow"),
        (DEPLOYER, "s3:GetObject", "arn:aws:s3:::gate-artifacts/elsewhere", "nothing"),
        (DEPLOYER, "s3:GetObjectVersion", EVIDENCE, "nothing"),
        (SOMEBODY, "s3:GetObject", EVIDENCE, "nothing"),
        (SOMEBODY, "s3:ListBucket", "arn:aws:s3:::gate-artifacts", "nothing"),
    ],
)
def test_deployers_may_read_the_evidence(principal: str, action: str, resource: str, answer: str):
    policy = evidence_policy(deployers=(DEPLOYER,))

    assert decide(policy, principal=principal, action=action, resource=resource) == answer


@pytest.mark.parametrize("bucket", ["gate-artifacts", "gate-state"])
def test_evidence_and_state_are_reached_over_tls_only(bucket: str):
    resource = storage(deployers=(DEPLOYER,)).one("s3/bucketPolicy:BucketPolicy", bucket)
    plain = {"aws:SecureTransport": "false", **FIRST}
    key = f"arn:aws:s3:::{bucket}/scans/payments/v1/scan.json"

    assert resource.inputs["bucket"] == bucket
    for action in ("s3:GetObject", "s3:PutObject"):
        requests = {"principal": DEPLOYER, "action": action, "resource": key}
        assert decide(resource.policy(), **requests, **plain) == "deny"


LOCK = "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"


def test_object_lock_is_off_without_the_setting(built: Built):
    assert not built.all(LOCK)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_object_lock_is_on_the_evidence_bucket_only_and_after_versioning(mode: str):
    built = storage(lock_mode=mode, lock_days=17)
    lock = built.one(LOCK)

    assert lock.inputs == {
        "bucket": "gate-artifacts",
        "rule": {"defaultRetention": {"mode": mode, "days": 17}},
    }
    assert (
        built.one("s3/bucketVersioning:BucketVersioning", "gate-artifacts").urn in lock.depends_on
    )


ALL = {"gate-access-logs", "gate-artifacts", "gate-uploads", "gate-key"}


@pytest.mark.parametrize(
    ("protect", "lock_mode", "protected"),
    [
        (False, "", set[str]()),
        (True, "", ALL),
        (True, "COMPLIANCE", ALL),
        # What is locked outlives the stack, and is useless without its key.
        (False, "GOVERNANCE", {"gate-artifacts", "gate-key"}),
        (False, "COMPLIANCE", {"gate-artifacts", "gate-key"}),
    ],
)
def test_what_is_protected_or_locked_cannot_be_destroyed(
    protect: bool, lock_mode: str, protected: set[str]
):
    built = storage(protect=protect, lock_mode=lock_mode)

    assert {resource.name for resource in built.resources if resource.protect} == protected
    assert {resource.kind for resource in built.resources if resource.protect} <= {
        "aws:s3/bucket:Bucket",
        "aws:kms/key:Key",
    }
    # A bucket that is emptied when it is destroyed is not protected, and the reverse.
    assert {
        bucket.name for bucket in built.all("s3/bucket:Bucket") if bucket.inputs["forceDestroy"]
    } == set(BUCKETS) - protected
    key = built.one("kms/key:Key")
    assert key.inputs["deletionWindowInDays"] == (30 if "gate-key" in protected else 7)


@pytest.mark.parametrize("bucket", ["gate-uploads", "gate-artifacts", "gate-state"])
def test_a_bucket_that_cannot_be_destroyed_keeps_its_key(built: Built, bucket: str):
    """Destroy goes against the dependencies, and stops where it fails."""
    key = built.one("kms/key:Key")

    assert key.urn in built.one("s3/bucket:Bucket", bucket).depends_on


@pytest.mark.parametrize("label", ["artifacts", "state"])
def test_objects_are_written_after_versioning_encryption_and_policy(label: str):
    """Otherwise the first object could have no version id, or the wrong key."""

    def make() -> None:
        made = Storage("gate", StorageArgs(context=CONTEXT))
        aws.s3.BucketObjectv2("first", bucket=getattr(made, label).name, key="k")

    built = build(make)

    assert {
        built.one(kind, f"gate-{label}").urn
        for kind in (
            "s3/bucketVersioning:BucketVersioning",
            "s3/bucketPolicy:BucketPolicy",
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        )
    } <= built.one("s3/bucketObjectv2:BucketObjectv2").depends_on


def test_access_logging_is_enabled_after_the_policy_that_allows_delivery(built: Built):
    may = built.one("s3/bucketPolicy:BucketPolicy", "gate-access-logs")

    for bucket in ("gate-uploads", "gate-artifacts", "gate-state"):
        assert may.urn in built.one("s3/bucketLogging:BucketLogging", bucket).depends_on


def test_the_key_rotates(built: Built):
    assert built.one("kms/key:Key").inputs["enableKeyRotation"] is True


def granted(grant: Callable[[Storage], Grant]) -> set[tuple[str, str]]:
    """The permissions of a grant on the storage layer, as pairs of action and resource."""
    texts: list[str] = []

    def make() -> None:
        made = Storage("gate", StorageArgs(context=CONTEXT))
        policy(*grant(made)).apply(texts.append)

    build(make)
    return {
        (action, resource)
        for statement in json.loads(texts[0])["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


SCANS, KEY = "arn:aws:s3:::gate-artifacts/scans/*", "arn:aws:kms:::gate-key"


def test_read_evidence_includes_listing_and_decryption():
    """Without s3:ListBucket a missing object is AccessDenied."""
    assert granted(lambda storage: storage.read_evidence("scan.json", "decision.json")) == {
        ("s3:GetObject", f"{SCANS}/scan.json"),
        ("s3:GetObject", f"{SCANS}/decision.json"),
        ("s3:ListBucket", "arn:aws:s3:::gate-artifacts"),
        ("kms:Decrypt", KEY),
    }


def test_who_writes_may_read_what_another_writer_stored():
    encrypt = {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}

    assert granted(lambda storage: storage.write_evidence("decision.json")) == {
        ("s3:GetObject", f"{SCANS}/decision.json"),
        ("s3:PutObject", f"{SCANS}/decision.json"),
        *encrypt,
    }
    assert granted(lambda storage: storage.write_state("waiting/*")) == {
        ("s3:GetObject", "arn:aws:s3:::gate-state/waiting/*"),
        ("s3:PutObject", "arn:aws:s3:::gate-state/waiting/*"),
        *encrypt,
    }
