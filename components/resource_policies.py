"""Resource policies of the buckets and the key: limits that apply to every identity."""

from collections.abc import Sequence

import pulumi

from components.context import Context
from components.policy import Statement, allow, allow_service

Arn = pulumi.Input[str]
# What a replication role needs at its destination. It writes, tags and deletes by these rights, and
# so past every rule about s3:PutObject, s3:PutObjectTagging and s3:DeleteObject
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html).
REPLICATE = (
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
    "s3:ObjectOwnerOverrideToBucketOwner",
)


def upload_policy(
    bucket_arn: Arn, *, pipeline_role: Arn, scan_role: Arn, deployers: Sequence[str]
) -> list[Statement]:
    """Only zips are uploaded, only the pipeline sets clearances, only cleared versions are read."""
    objects = pulumi.Output.concat(bucket_arn, "/*")
    statements: list[Statement] = [
        {
            # The rule matches zips only: any other object would stay here unscanned, unnoticed.
            "Sid": "OnlyZips",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:PutObject"],
            "NotResource": [pulumi.Output.concat(bucket_arn, "/*.zip")],
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
            "Resource": [objects],
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": pipeline_role}},
        },
        {
            # A replica brings its source's tags, and a replica of an upload, which replication
            # reads by a right of its own, could be read elsewhere without a clearance.
            "Sid": "NotReplicated",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [*REPLICATE, "s3:GetObjectVersionForReplication"],
            "Resource": [objects],
        },
        {
            # A version without the tag was not evaluated; a negated condition matches it as well.
            "Sid": "OnlyClearedIsRead",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": [objects],
            "Condition": {
                "StringNotEquals": {"s3:ExistingObjectTag/scan-status": ["passed", "approved"]},
                "ArnNotEquals": {"aws:PrincipalArn": scan_role},
            },
        },
    ]
    if deployers:
        statements.append(
            {
                "Sid": "DeployersRead",
                "Effect": "Allow",
                "Principal": {"AWS": deployers},
                "Action": [
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:GetObjectTagging",
                    "s3:GetObjectVersionTagging",
                    "s3:ListBucket",
                    "s3:ListBucketVersions",
                ],
                "Resource": [bucket_arn, objects],
            }
        )
    return statements


def evidence_policy(bucket_arn: Arn, *, deployers: Sequence[str], keep: bool) -> list[Statement]:
    """Evidence is written once; with ``keep``, it cannot be deleted."""
    evidence = pulumi.Output.concat(bucket_arn, "/scans/*")
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
    if deployers:
        statements.append(
            {
                # So that a role that is denied a version can read why, and who decided.
                "Sid": "DeployersReadEvidence",
                "Effect": "Allow",
                "Principal": {"AWS": deployers},
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [bucket_arn, evidence],
            }
        )
    return statements


def log_delivery(bucket_arn: Arn, account: str) -> Statement:
    """S3 may write access logs of this account's buckets."""
    return allow_service(
        "logging.s3.amazonaws.com",
        "s3:PutObject",
        resources=[pulumi.Output.concat(bucket_arn, "/*")],
        conditions={"StringEquals": {"aws:SourceAccount": account}},
    )


def key_policy(context: Context, deployers: Sequence[str]) -> list[Statement]:
    """The account administers the key and uses it through the gate's services; alarms use it."""
    root = {"AWS": f"arn:{context.partition}:iam::{context.account}:root"}
    # In a key policy "*" is the key itself.
    itself = ["*"]
    s3, *others = (
        f"{service}.{context.region}.amazonaws.com" for service in ("s3", "sns", "secretsmanager")
    )
    statements: list[Statement] = [
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
    ]
    if deployers:
        statements.append(
            {
                "Sid": "DeployersDecrypt",
                "Principal": {"AWS": deployers},
                **allow(
                    "kms:Decrypt",
                    resources=itself,
                    conditions={"StringEquals": {"kms:ViaService": s3}},
                ),
            }
        )
    return statements
