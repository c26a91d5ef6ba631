from typing import Any

import pytest

from components.storage import Storage, StorageArgs
from tests.components.iam import decide
from tests.components.recording import ACCOUNT, REGION, Built, build

BUCKETS = ["access-logs", "artifacts", "uploads", "work"]


def storage(**changed: Any) -> Built:
    settings = {
        "account": ACCOUNT,
        "region": REGION,
        "upload_days": 90,
        "deployers": [],
        "lock_mode": "",
        "lock_days": 365,
        "protect": False,
    }
    return build(lambda: Storage("storage", StorageArgs(**{**settings, **changed})))


@pytest.fixture(scope="module")
def built() -> Built:
    return storage()


def test_there_are_four_buckets(built: Built):
    assert sorted(each.name for each in built.all("s3/bucket:Bucket")) == BUCKETS


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
            "uploads",
            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:::storage"},
            True,
        ),
        (
            "artifacts",
            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:::storage"},
            True,
        ),
        (
            "work",
            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:::storage"},
            True,
        ),
        # S3 can't deliver access logs into a bucket under a customer's key.
        ("access-logs", {"sseAlgorithm": "AES256"}, False),
    ],
    ids=["uploads", "artifacts", "work", "access logs"],
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

    assert {each.inputs["bucket"] for each in versioned} == {"uploads", "artifacts", "work"}
    assert [each.inputs["versioningConfiguration"] for each in versioned] == [
        {"status": "Enabled"}
    ] * 3


def rules(built: Built, bucket: str) -> dict[str, dict[str, Any]]:
    resource = built.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket)
    assert resource.inputs["bucket"] == bucket
    assert {rule.pop("status") for rule in resource.inputs["rules"]} == {"Enabled"}
    return {rule.pop("id"): rule for rule in resource.inputs["rules"]}


def test_a_replaced_upload_is_kept_as_long_as_set_and_the_current_one_for_good():
    assert rules(storage(upload_days=17), "uploads") == {
        "replaced-versions": {
            "filter": {},
            "noncurrentVersionExpiration": {"noncurrentDays": 17},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        }
    }


def test_evidence_is_never_deleted():
    assert rules(storage(), "artifacts") == {
        "parts": {"filter": {}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}},
    }


def test_what_the_pipeline_works_with_is_deleted_once_nobody_needs_it():
    assert rules(storage(), "work") == {
        "waiting": {
            "filter": {"prefix": "waiting/"},
            "expiration": {"days": 400},
            "noncurrentVersionExpiration": {"noncurrentDays": 1},
        },
        "cache": {
            "filter": {"prefix": "cache/"},
            "expiration": {"days": 30},
            "noncurrentVersionExpiration": {"noncurrentDays": 1},
        },
        "flood": {
            "filter": {"prefix": "flood/"},
            "expiration": {"days": 7},
            "noncurrentVersionExpiration": {"noncurrentDays": 1},
        },
        "parts": {"filter": {}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}},
    }


def test_access_logs_are_kept_for_a_year():
    assert rules(storage(), "access-logs") == {
        "expire": {"filter": {}, "expiration": {"days": 365}}
    }


@pytest.mark.parametrize("bucket", ["uploads", "work"])
def test_rules_about_versions_wait_for_versions(built: Built, bucket: str):
    lifecycle = built.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", bucket)

    assert built.one("s3/bucketVersioning:BucketVersioning", bucket).urn in lifecycle.depends_on


@pytest.mark.parametrize("bucket", ["uploads", "artifacts", "work"])
def test_access_is_logged(built: Built, bucket: str):
    assert built.one("s3/bucketLogging:BucketLogging", bucket).inputs == {
        "bucket": bucket,
        "targetBucket": "access-logs",
        "targetPrefix": f"{bucket}/",
    }


def test_uploads_and_evidence_are_told_to_eventbridge(built: Built):
    for name in ("uploads", "artifacts"):
        notification = built.one("s3/bucketNotification:BucketNotification", name)
        assert notification.inputs == {"bucket": name, "eventbridge": True}


def only_tls(bucket: str) -> dict[str, Any]:
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Action": ["s3:*"],
        "Principal": "*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_the_upload_bucket_takes_only_zips_over_tls_and_tags_only_from_the_pipeline(built: Built):
    resource = built.one("s3/bucketPolicy:BucketPolicy", "uploads")

    assert resource.inputs["bucket"] == "uploads"
    assert resource.policy() == [
        only_tls("uploads"),
        {
            "Sid": "OnlyZips",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:PutObject"],
            "NotResource": ["arn:aws:s3:::uploads/*.zip"],
        },
        {
            "Sid": "OnlyThePipelineTags",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [
                "s3:PutObjectTagging",
                "s3:PutObjectVersionTagging",
                "s3:DeleteObjectTagging",
                "s3:DeleteObjectVersionTagging",
                "s3:ReplicateObject",
                "s3:ReplicateTags",
            ],
            "Resource": ["arn:aws:s3:::uploads/*"],
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam:::pipeline"}},
        },
        {
            "Sid": "OnlyClearedIsRead",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": ["arn:aws:s3:::uploads/*"],
            "Condition": {
                "StringNotEquals": {"s3:ExistingObjectTag/scan-status": ["passed", "approved"]},
                "ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam:::scan"},
            },
        },
    ]


DEPLOYER, SOMEBODY = "arn:aws:iam::999999999999:role/deploy", "arn:aws:iam::123456789012:role/dev"
PIPELINE, SCANNER = "arn:aws:iam:::pipeline", "arn:aws:iam:::scan"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ZIP = "arn:aws:s3:::uploads/payments/api.zip"
READ, TAG = "s3:GetObjectVersion", "s3:PutObjectVersionTagging"


@pytest.mark.parametrize(
    ("principal", "action", "resource", "status", "answer"),
    [
        (DEPLOYER, READ, ZIP, "passed", "allow"),
        (DEPLOYER, READ, ZIP, "approved", "allow"),
        (DEPLOYER, READ, ZIP, "failed", "deny"),
        (DEPLOYER, READ, ZIP, "rejected", "deny"),
        (DEPLOYER, READ, ZIP, "expired", "deny"),
        (DEPLOYER, READ, ZIP, "error", "deny"),
        (DEPLOYER, READ, ZIP, None, "deny"),
        (DEPLOYER, "s3:ListBucketVersions", "arn:aws:s3:::uploads", None, "allow"),
        (DEPLOYER, "s3:PutObject", ZIP, None, "nothing"),
        (DEPLOYER, TAG, ZIP, None, "deny"),
        (SOMEBODY, READ, ZIP, "passed", "nothing"),
        (SOMEBODY, READ, ZIP, None, "deny"),
        (SOMEBODY, TAG, ZIP, None, "deny"),
        (SOMEBODY, "s3:PutObject", ZIP, None, "nothing"),
        (SOMEBODY, "s3:PutObject", "arn:aws:s3:::uploads/payments/api.tar", None, "deny"),
        (SCANNER, READ, ZIP, None, "nothing"),
        (SCANNER, TAG, ZIP, None, "deny"),
        (PIPELINE, TAG, ZIP, "failed", "nothing"),
        (PIPELINE, READ, ZIP, None, "deny"),
    ],
)
def test_only_what_is_cleared_can_be_read_and_only_the_pipeline_clears(
    principal: str, action: str, resource: str, status: str | None, answer: str
):
    """``nothing`` leaves it to the role's own policy."""
    policy = storage(deployers=[DEPLOYER]).one("s3/bucketPolicy:BucketPolicy", "uploads").policy()
    tag = {} if status is None else {"s3:ExistingObjectTag/scan-status": status}

    assert decide(policy, principal=principal, action=action, resource=resource, **tag) == answer


def test_nothing_is_reached_without_tls():
    policy = storage(deployers=[DEPLOYER]).one("s3/bucketPolicy:BucketPolicy", "uploads").policy()
    plain = {"aws:SecureTransport": "false", "s3:ExistingObjectTag/scan-status": "passed"}

    assert decide(policy, principal=DEPLOYER, action=READ, resource=ZIP, **plain) == "deny"


def test_deployers_may_decrypt_what_they_read_and_nothing_else():
    *_, decrypt = storage(deployers=[DEPLOYER]).one("kms/key:Key").policy()

    assert decrypt == {
        "Sid": "DeployersDecrypt",
        "Effect": "Allow",
        "Principal": {"AWS": [DEPLOYER]},
        "Action": ["kms:Decrypt"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
    }


def evidence_policy(**changed: Any) -> list[dict[str, Any]]:
    resource = storage(**changed).one("s3/bucketPolicy:BucketPolicy", "artifacts")
    assert resource.inputs["bucket"] == "artifacts"
    return resource.policy()


EVIDENCE = "arn:aws:s3:::artifacts/scans/payments/v1/decision.json"
FIRST = {"s3:if-none-match": "*"}


@pytest.mark.parametrize("principal", [PIPELINE, SCANNER, DEPLOYER, SOMEBODY, ROOT])
@pytest.mark.parametrize("protect", [False, True])
def test_evidence_is_written_once_whoever_writes(principal: str, protect: bool):
    policy = evidence_policy(deployers=[DEPLOYER], protect=protect)
    write = {"principal": principal, "action": "s3:PutObject", "resource": EVIDENCE}

    assert decide(policy, **write) == "deny"
    # S3 itself refuses this one where there is something; the rest is up to the writer's own role.
    assert decide(policy, **write, **FIRST) == "nothing"


@pytest.mark.parametrize("principal", [PIPELINE, SCANNER, DEPLOYER, SOMEBODY, ROOT])
@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
@pytest.mark.parametrize(("protect", "answer"), [(False, "nothing"), (True, "deny")])
def test_evidence_is_kept_where_the_stack_is_protected(
    principal: str, action: str, protect: bool, answer: str
):
    policy = evidence_policy(deployers=[DEPLOYER], protect=protect)

    assert decide(policy, principal=principal, action=action, resource=EVIDENCE) == answer


@pytest.mark.parametrize(
    ("principal", "action", "resource", "answer"),
    [
        (DEPLOYER, "s3:GetObject", EVIDENCE, "allow"),
        (DEPLOYER, "s3:ListBucket", "arn:aws:s3:::artifacts", "allow"),
        (DEPLOYER, "s3:GetObject", "arn:aws:s3:::artifacts/elsewhere", "nothing"),
        (DEPLOYER, "s3:GetObjectVersion", EVIDENCE, "nothing"),
        (SOMEBODY, "s3:GetObject", EVIDENCE, "nothing"),
        (SOMEBODY, "s3:ListBucket", "arn:aws:s3:::artifacts", "nothing"),
    ],
)
def test_whoever_deploys_reads_why(principal: str, action: str, resource: str, answer: str):
    policy = evidence_policy(deployers=[DEPLOYER])

    assert decide(policy, principal=principal, action=action, resource=resource) == answer


@pytest.mark.parametrize("bucket", ["artifacts", "work"])
def test_evidence_and_work_are_reached_over_tls_only(bucket: str):
    resource = storage(deployers=[DEPLOYER]).one("s3/bucketPolicy:BucketPolicy", bucket)
    plain = {"aws:SecureTransport": "false", **FIRST}
    key = f"arn:aws:s3:::{bucket}/scans/payments/v1/scan.json"

    assert resource.inputs["bucket"] == bucket
    for action in ("s3:GetObject", "s3:PutObject"):
        asked = {"principal": DEPLOYER, "action": action, "resource": key}
        assert decide(resource.policy(), **asked, **plain) == "deny"


def test_nobody_is_allowed_anything_in_the_work_bucket_by_its_own_policy():
    policy = storage(deployers=[DEPLOYER], protect=True).one("s3/bucketPolicy:BucketPolicy", "work")

    assert policy.policy() == [only_tls("work")]


LOCK = "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"


def test_without_the_setting_no_object_is_locked(built: Built):
    assert not built.all(LOCK)


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_evidence_and_nothing_else_is_locked_once_it_has_versions(mode: str):
    built = storage(lock_mode=mode, lock_days=17)
    lock = built.one(LOCK)

    assert lock.inputs == {
        "bucket": "artifacts",
        "rule": {"defaultRetention": {"mode": mode, "days": 17}},
    }
    assert built.one("s3/bucketVersioning:BucketVersioning", "artifacts").urn in lock.depends_on


def test_only_s3_for_this_account_writes_access_logs(built: Built):
    resource = built.one("s3/bucketPolicy:BucketPolicy", "access-logs")

    assert resource.inputs["bucket"] == "access-logs"
    assert resource.policy() == [
        only_tls("access-logs"),
        {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": ["s3:PutObject"],
            "Resource": ["arn:aws:s3:::access-logs/*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    ]


def test_the_key_rotates_and_gives_each_no_more_than_it_needs(built: Built):
    key = built.one("kms/key:Key")
    administer, use, alarms = key.policy()
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}

    assert key.inputs["enableKeyRotation"] is True
    # The account administers the key, and neither encrypts, decrypts nor grants by that.
    assert administer.pop("Action") == [
        "kms:CancelKeyDeletion",
        "kms:CreateAlias",
        "kms:DeleteAlias",
        "kms:DescribeKey",
        "kms:DisableKey",
        "kms:DisableKeyRotation",
        "kms:EnableKey",
        "kms:EnableKeyRotation",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListResourceTags",
        "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:UpdateKeyDescription",
    ]
    assert administer == {
        "Sid": "Administer",
        "Effect": "Allow",
        "Principal": root,
        "Resource": ["*"],
    }
    assert use == {
        "Sid": "UseThroughOurServices",
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": ["*"],
        "Condition": {
            "StringEquals": {
                "kms:ViaService": [
                    f"s3.{REGION}.amazonaws.com",
                    f"sns.{REGION}.amazonaws.com",
                    f"secretsmanager.{REGION}.amazonaws.com",
                ]
            }
        },
    }
    assert alarms == {
        "Sid": "PublishAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


@pytest.mark.parametrize(
    ("role", "service"), [("pipeline", "states.amazonaws.com"), ("scan", "codebuild.amazonaws.com")]
)
def test_only_the_service_for_this_account_plays_each_role(built: Built, role: str, service: str):
    assert built.one("iam/role:Role", role).policy("assumeRolePolicy") == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": service},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    ]


@pytest.mark.parametrize(("protect", "days"), [(False, 7), (True, 30)], ids=["off", "on"])
def test_protect_keeps_buckets_and_key_from_destroy(protect: bool, days: int):
    built = storage(protect=protect)

    assert {each.name for each in built.resources if each.protect} == (
        {"access-logs", "artifacts", "uploads", "storage"} if protect else set()
    )
    assert {each.kind for each in built.resources if each.protect} <= {
        "aws:s3/bucket:Bucket",
        "aws:kms/key:Key",
    }
    assert {each.name: each.inputs["forceDestroy"] for each in built.all("s3/bucket:Bucket")} == {
        "access-logs": not protect,
        "artifacts": not protect,
        "uploads": not protect,
        # Nothing in it is missed.
        "work": True,
    }
    assert built.one("kms/key:Key").inputs["deletionWindowInDays"] == days


@pytest.mark.parametrize("bucket", ["artifacts", "work"])
def test_what_is_written_into_a_bucket_waits_for_its_versions_and_its_key(bucket: str):
    """Else the first object could lie there without a version id, under the wrong key."""
    import pulumi_aws as aws

    def make():
        args = StorageArgs(
            account=ACCOUNT,
            region=REGION,
            upload_days=1,
            deployers=(),
            lock_mode="",
            lock_days=1,
            protect=False,
        )
        aws.s3.BucketObjectv2("first", bucket=getattr(Storage("storage", args), bucket), key="k")

    built = build(make)

    assert {
        built.one("s3/bucketVersioning:BucketVersioning", bucket).urn,
        built.one(
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            bucket,
        ).urn,
    } <= built.one("s3/bucketObjectv2:BucketObjectv2").depends_on
