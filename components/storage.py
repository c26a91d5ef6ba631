"""The storage layer: one key, the buckets, and who may read, write and tag what."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.guards import deliver_logs, guard_evidence, guard_key, guard_uploads
from components.policy import Statement, only_tls, policy, trust


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """``deployers`` are ARNs of IAM roles or users, of any account.

    ``lock_mode`` is GOVERNANCE or COMPLIANCE, or empty for evidence without Object Lock.
    """

    account: str
    region: str
    upload_days: int
    deployers: Sequence[str]
    lock_mode: str
    lock_days: int
    protect: bool


class Storage(pulumi.ComponentResource):
    """Keeps every version of every upload, and all evidence, encrypted under one key of ours.

    Only ``pipeline_role`` may set the tag ``scan-status`` on an upload, and until that says passed
    or approved only ``scan_role`` may read it. Evidence, in ``artifacts``, is written once;
    ``work`` holds what may go: task tokens, the builds' cache, and the code of ``scan/``.
    """

    key_arn: pulumi.Output[str]
    uploads: pulumi.Output[str]
    uploads_arn: pulumi.Output[str]
    artifacts: pulumi.Output[str]
    artifacts_arn: pulumi.Output[str]
    work: pulumi.Output[str]
    work_arn: pulumi.Output[str]
    pipeline_role: aws.iam.Role
    scan_role: aws.iam.Role

    def __init__(
        self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Storage", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # What cannot be made again: `pulumi destroy` refuses to take it while the setting `protect`
        # is on.
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect)

        key = aws.kms.Key(
            name,
            description="Uploads, evidence, notifications and the Sonar token of chatops-slack",
            enable_key_rotation=True,
            deletion_window_in_days=30 if args.protect else 7,
            policy=policy(*guard_key(args.account, args.region, args.deployers)),
            opts=kept,
        )
        # These roles live here, since the bucket policy below names them.
        self.pipeline_role = aws.iam.Role(
            "pipeline", assume_role_policy=trust("states.amazonaws.com", args.account), opts=child
        )
        self.scan_role = aws.iam.Role(
            "scan", assume_role_policy=trust("codebuild.amazonaws.com", args.account), opts=child
        )

        access_logs = self._bucket("access-logs", kept, args.protect)
        self._encrypted("access-logs", access_logs, key=None)
        aws.s3.BucketLifecycleConfiguration(
            "access-logs",
            bucket=access_logs.id,
            rules=[
                {"id": "expire", "status": "Enabled", "filter": {}, "expiration": {"days": 365}}
            ],
            opts=child,
        )
        uploads = self._bucket("uploads", kept, args.protect)
        self._encrypted("uploads", uploads, key)
        artifacts = self._bucket("artifacts", kept, args.protect)
        artifacts_encrypted = self._encrypted("artifacts", artifacts, key)
        # Nothing in it is missed: a stack that is protected can do without it, too.
        work = self._bucket("work", child, protect=False)
        work_encrypted = self._encrypted("work", work, key)

        for bucket, label in ((uploads, "uploads"), (artifacts, "artifacts"), (work, "work")):
            aws.s3.BucketLogging(
                label,
                bucket=bucket.id,
                target_bucket=access_logs.id,
                target_prefix=f"{label}/",
                opts=child,
            )
        _policy("access-logs", access_logs, [deliver_logs(access_logs, args.account)], child)
        _policy(
            "uploads",
            uploads,
            guard_uploads(uploads, self.pipeline_role, self.scan_role, args.deployers),
            child,
        )
        _policy(
            "artifacts", artifacts, guard_evidence(artifacts, args.deployers, args.protect), child
        )
        _policy("work", work, [], child)

        for label, bucket in (("uploads", uploads), ("artifacts", artifacts)):
            aws.s3.BucketNotification(label, bucket=bucket.id, eventbridge=True, opts=child)
        uploads_versioned = self._versioned("uploads", uploads)
        aws.s3.BucketLifecycleConfiguration(
            "uploads",
            bucket=uploads.id,
            rules=[
                {
                    "id": "replaced-versions",
                    "status": "Enabled",
                    "filter": {},
                    "noncurrent_version_expiration": {"noncurrent_days": args.upload_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            # S3 refuses rules about noncurrent versions on a bucket without versions.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[uploads_versioned]),
        )
        artifacts_versioned = self._versioned("artifacts", artifacts)
        if args.lock_mode:
            aws.s3.BucketObjectLockConfiguration(
                "artifacts",
                bucket=artifacts.id,
                rule={"default_retention": {"mode": args.lock_mode, "days": args.lock_days}},
                # Object Lock is for versions, and S3 refuses it where there are none.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[artifacts_versioned]),
            )
        aws.s3.BucketLifecycleConfiguration(
            "artifacts", bucket=artifacts.id, rules=[_abort_uploads()], opts=child
        )
        work_versioned = self._versioned("work", work)
        aws.s3.BucketLifecycleConfiguration(
            "work",
            bucket=work.id,
            rules=[
                _expire("waiting/", days=400),  # task tokens: no execution outlives a year
                _expire("cache/", days=30),
                _expire("flood/", days=7),  # who has a place in the channel: for a day at most
                _abort_uploads(),
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[work_versioned]),
        )

        self.key_arn = key.arn
        self.uploads, self.uploads_arn = uploads.id, uploads.arn
        # Whoever puts an object there waits for both: the first would have no version id else, and
        # lie under another key.
        self.artifacts = pulumi.Output.all(
            artifacts.id, artifacts_versioned.id, artifacts_encrypted.id
        )[0]
        self.artifacts_arn = artifacts.arn
        self.work = pulumi.Output.all(work.id, work_versioned.id, work_encrypted.id)[0]
        self.work_arn = work.arn
        self.register_outputs(
            {"uploads": self.uploads, "artifacts": self.artifacts, "work": self.work}
        )

    def _bucket(self, label: str, kept: pulumi.ResourceOptions, protect: bool) -> aws.s3.Bucket:
        """A private bucket."""
        child = pulumi.ResourceOptions(parent=self)
        # A throw-away environment can be destroyed with what is in it; a protected one cannot.
        bucket = aws.s3.Bucket(label, force_destroy=not protect, opts=kept)
        aws.s3.BucketPublicAccessBlock(
            label,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            label,
            bucket=bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=child,
        )
        return bucket

    def _encrypted(
        self, label: str, bucket: aws.s3.Bucket, key: aws.kms.Key | None
    ) -> aws.s3.BucketServerSideEncryptionConfiguration:
        """Without a key of ours for access logs, which S3 cannot encrypt with it."""
        return aws.s3.BucketServerSideEncryptionConfiguration(
            label,
            bucket=bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": (
                        {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
                        if key
                        else {"sse_algorithm": "AES256"}
                    ),
                    # One data key for many objects: a hundredth of the KMS calls.
                    "bucket_key_enabled": key is not None,
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _versioned(self, label: str, bucket: aws.s3.Bucket) -> aws.s3.BucketVersioning:
        return aws.s3.BucketVersioning(
            label,
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _policy(
    label: str, bucket: aws.s3.Bucket, statements: list[Statement], opts: pulumi.ResourceOptions
) -> None:
    aws.s3.BucketPolicy(
        label, bucket=bucket.id, policy=policy(only_tls(bucket.arn), *statements), opts=opts
    )


def _abort_uploads() -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": "parts",
        "status": "Enabled",
        "filter": {},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
    }


def _expire(prefix: str, days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": prefix.rstrip("/"),
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
        "noncurrent_version_expiration": {"noncurrent_days": 1},
    }
