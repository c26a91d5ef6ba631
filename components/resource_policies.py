"""Resource policies of the buckets and the key: limits that apply to every identity."""

import json
from collections.abc import Sequence

from components.access import (
    Uploaders,
    deployers_decrypt,
    deployers_read_evidence,
    deployers_read_uploads,
    uploaders_encrypt,
    uploaders_read_evidence,
    uploaders_upload,
)
from components.context import Context
from components.policy import (
    Arn,
    Statement,
    allow,
    allow_service,
    deny_insecure_transport,
    objects,
)
from domain.partition import PARTITION

# What a replication role needs at its destination. It writes, tags and deletes by these rights, and
# so past every rule about s3:PutObject, s3:PutObjectTagging and s3:DeleteObject
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html).
REPLICATE = (
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
    "s3:ObjectOwnerOverrideToBucketOwner",
)
# https://docs.aws.amazon.com/general/latest/gr/s3.html#limits_s3
MAX_BUCKET_POLICY_BYTES = 20 * 1024


def upload_policy(
    bucket_arn: Arn,
    *,
    pipeline_role: Arn,
    scan_role: Arn,
    deployers: Sequence[str],
    uploaders: Uploaders,
) -> list[Statement]:
    """Only zips are uploaded, only the pipeline sets clearances, only cleared versions are read."""
    every_object = objects(bucket_arn, "*")
    return [
        {
            # The rule matches zips only: any other object would stay here unscanned, unnoticed.
            "Sid": "OnlyZips",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:PutObject"],
            "NotResource": [objects(bucket_arn, "*.zip")],
        },
        {
            # The tag is the clearance. It covers tags sent along with an upload, too.
            "Sid": "OnlyThePipelineTags",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [
                "s3:PutObjectTagging",
                "s3:PutObjectVersionTagging",
                "s3:DeleteObjectTagging",
                "s3:DeleteObjectVersionTagging",
            ],
            "Resource": [every_object],
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": pipeline_role}},
        },
        {
            # A replica brings its source's tags, and a replica of an upload, which replication
            # reads by a right of its own, could be read elsewhere without a clearance.
            "Sid": "NotReplicated",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [*REPLICATE, "s3:GetObjectVersionForReplication"],
            "Resource": [every_object],
        },
        {
            # A version without the tag was not evaluated; a negated condition matches it as well.
            "Sid": "OnlyClearedIsRead",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": [every_object],
            "Condition": {
                "StringNotEquals": {"s3:ExistingObjectTag/scan-status": ["passed", "approved"]},
                "ArnNotEquals": {"aws:PrincipalArn": scan_role},
            },
        },
        *deployers_read_uploads(bucket_arn, deployers),
        *uploaders_upload(bucket_arn, uploaders),
    ]


def evidence_policy(
    bucket_arn: Arn, *, deployers: Sequence[str], uploaders: Uploaders, keep: bool
) -> list[Statement]:
    """Evidence is written once; with ``keep``, it cannot be deleted."""
    evidence = objects(bucket_arn, "scans/*")
    statements: list[Statement] = [
        {
            # Each document can be created but not replaced: a request without `If-None-Match`
            # could overwrite it. Neither a copy nor a part of a multipart upload takes the header,
            # so evidence is written whole, by PutObject
            # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html).
            "Sid": "EvidenceIsWrittenOnce",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:PutObject"],
            "Resource": [evidence],
            "Condition": {"Null": {"s3:if-none-match": "true"}},
        },
        {
            "Sid": "EvidenceIsNoReplica",
            "Effect": "Deny",
            "Principal": "*",
            "Action": REPLICATE,
            "Resource": [evidence],
        },
    ]
    if keep:
        statements.append(
            {
                "Sid": "EvidenceIsNeverDeleted",
                "Effect": "Deny",
                "Principal": "*",
                # Behind a delete marker, which Object Lock does not prevent, a document could be
                # written a second time. The last right shortens a lock in governance mode.
                "Action": [
                    "s3:DeleteObject",
                    "s3:DeleteObjectVersion",
                    "s3:BypassGovernanceRetention",
                ],
                "Resource": [evidence],
            }
        )
    return [
        *statements,
        *deployers_read_evidence(bucket_arn, deployers),
        *uploaders_read_evidence(bucket_arn, uploaders),
    ]


def log_delivery(bucket_arn: Arn, account: str) -> Statement:
    """S3 may write access logs of this account's buckets."""
    return allow_service(
        "logging.s3.amazonaws.com",
        "s3:PutObject",
        resources=[objects(bucket_arn, "*")],
        conditions={"StringEquals": {"aws:SourceAccount": account}},
    )


def key_policy(context: Context, deployers: Sequence[str], uploaders: Uploaders) -> list[Statement]:
    """The account administers the key and uses it through the gate's services; alarms use it."""
    root = {"AWS": f"arn:{PARTITION}:iam::{context.account}:root"}
    # In a key policy "*" is the key itself.
    itself = ["*"]
    s3, *others = (
        f"{service}.{context.region}.amazonaws.com" for service in ("s3", "sns", "secretsmanager")
    )
    return [
        {
            "Sid": "Administer",
            "Principal": root,
            **allow(
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
                resources=itself,
            ),
        },
        {
            "Sid": "UseThroughOurServices",
            "Principal": root,
            **allow(
                "kms:Decrypt",
                "kms:GenerateDataKey",
                resources=itself,
                conditions={"StringEquals": {"kms:ViaService": [s3, *others]}},
            ),
        },
        {
            "Sid": "PublishAlarms",
            **allow_service(
                "cloudwatch.amazonaws.com",
                "kms:Decrypt",
                "kms:GenerateDataKey",
                resources=itself,
                conditions={"StringEquals": {"aws:SourceAccount": context.account}},
            ),
        },
        *deployers_decrypt("*", deployers, s3),
        *uploaders_encrypt("*", uploaders, s3),
    ]


def policy_too_large(deployers: Sequence[str], uploaders: Uploaders) -> str:
    """Which policy the principals make too large for AWS, empty if none; with the longest names.

    The key's policy never is one: it names no principal more often than the upload bucket's, and
    may have 32 KiB (https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html).
    """
    bucket = f"arn:{PARTITION}:s3:::{'b' * 63}"
    role = f"arn:{PARTITION}:iam::123456789012:role/{'r' * 64}"
    written = {
        "upload": upload_policy(
            bucket,
            pipeline_role=role,
            scan_role=role,
            deployers=deployers,
            uploaders=uploaders,
        ),
        "artifacts": evidence_policy(bucket, deployers=deployers, uploaders=uploaders, keep=True),
    }
    for owner, statements in written.items():
        document = {
            "Version": "2012-10-17",
            "Statement": [deny_insecure_transport(bucket), *statements],
        }
        if (size := len(json.dumps(document))) > MAX_BUCKET_POLICY_BYTES:
            return (
                f"the policy of the {owner} bucket would have {size} bytes, and AWS takes "
                f"{MAX_BUCKET_POLICY_BYTES}"
            )
    return ""
