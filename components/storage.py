"""The storage layer: one key, the buckets, and the grants to read, write and tag."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.access import Uploaders
from components.context import Context
from components.policy import Arn, Grant, Statement, allow, policy, trust
from components.private_bucket import LifecycleRule, PrivateBucket, PrivateBucketArgs
from components.resource_policies import evidence_policy, key_policy, log_delivery, upload_policy

# The parts of an upload that was broken off are invisible, and are billed.
_ABORT: aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgsDict = {
    "days_after_initiation": 1
}


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """``deployers`` are ARNs of IAM roles or users in any account, ``uploaders`` the same by app.

    ``lock_mode`` is GOVERNANCE or COMPLIANCE, or empty for evidence without Object Lock. Locked
    evidence, and the key that it is read with, are protected whether or not the gate is.
    """

    context: Context
    upload_retention_days: int = 90
    deployers: Sequence[str] = ()
    uploaders: Uploaders = field(default_factory=dict[str, Sequence[str]])
    lock_mode: str = ""
    lock_days: int = 365


class Storage(pulumi.ComponentResource):
    """Stores every version of every upload, and all evidence, encrypted with the gate's own key.

    Only ``pipeline_role`` may set the tag ``scan-status`` on an upload, and until the tag is passed
    or approved only ``scan_role`` may read it. Evidence, in ``artifacts``, is written once;
    ``state`` has what can be lost: task tokens, the builds' cache, and the code of ``scan/``.

    Its methods return the statements for a role's policy that grant access to it.
    """

    key_arn: pulumi.Output[str]
    uploads: PrivateBucket
    artifacts: PrivateBucket
    state: PrivateBucket
    pipeline_role: aws.iam.Role
    scan_role: aws.iam.Role

    def __init__(
        self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:Storage", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        context, protect = args.context, args.context.protect
        keep_evidence = protect or bool(args.lock_mode)

        key = aws.kms.Key(
            f"{name}-key",
            description="Uploads, evidence, notifications and the Sonar token of chatops-slack",
            enable_key_rotation=True,
            deletion_window_in_days=30 if keep_evidence else 7,
            policy=policy(*key_policy(context, args.deployers, args.uploaders)),
            # Without the key everything that it encrypts is lost.
            opts=pulumi.ResourceOptions(parent=self, protect=keep_evidence),
        )
        self.key_arn = key.arn
        # These roles live here, since the policy of the upload bucket names them.
        self.pipeline_role = aws.iam.Role(
            f"{name}-pipeline",
            assume_role_policy=trust("states.amazonaws.com", context.account),
            opts=child,
        )
        self.scan_role = aws.iam.Role(
            f"{name}-scan",
            assume_role_policy=trust("codebuild.amazonaws.com", context.account),
            opts=child,
        )

        access_logs = PrivateBucket(
            f"{name}-access-logs",
            PrivateBucketArgs(
                key=None,
                versioned=False,
                protect=protect,
                statements=lambda arn: [log_delivery(arn, context.account)],
                rules=[
                    {
                        "id": "expire",
                        "status": "Enabled",
                        "filter": {},
                        "expiration": {"days": 365},
                        "abort_incomplete_multipart_upload": _ABORT,
                    }
                ],
            ),
            opts=child,
        )
        self.uploads = PrivateBucket(
            f"{name}-uploads",
            PrivateBucketArgs(
                key=key,
                access_logs=access_logs.name,
                protect=protect,
                statements=lambda arn: upload_policy(
                    arn,
                    pipeline_role=self.pipeline_role.arn,
                    scan_role=self.scan_role.arn,
                    deployers=args.deployers,
                    uploaders=args.uploaders,
                ),
                rules=[_expire_replaced(args.upload_retention_days)],
            ),
            opts=child,
        )
        self.artifacts = PrivateBucket(
            f"{name}-artifacts",
            PrivateBucketArgs(
                key=key,
                access_logs=access_logs.name,
                events=True,
                protect=keep_evidence,
                statements=lambda arn: evidence_policy(
                    arn,
                    deployers=args.deployers,
                    uploaders=args.uploaders,
                    keep=keep_evidence,
                ),
                rules=[
                    {
                        "id": "parts",
                        "status": "Enabled",
                        "filter": {},
                        "abort_incomplete_multipart_upload": _ABORT,
                    }
                ],
            ),
            opts=child,
        )
        if args.lock_mode:
            aws.s3.BucketObjectLockConfiguration(
                f"{name}-artifacts",
                # Object Lock is for versions, and S3 refuses it where there are none.
                bucket=self.artifacts.name,
                rule={"default_retention": {"mode": args.lock_mode, "days": args.lock_days}},
                opts=child,
            )
        self.state = PrivateBucket(
            f"{name}-state",
            PrivateBucketArgs(
                key=key,
                access_logs=access_logs.name,
                # Its content can be lost, so it is not protected in a protected stack either.
                protect=False,
                rules=[
                    _expire("waiting/", days=400),  # task tokens: no execution outlives a year
                    _expire("resting/", days=400),  # of exceptions, which end within a year
                    _expire("cache/", days=30),
                    _expire("thread-slots/", days=7),  # thread slots: taken for a day at most
                    # A build may still wait for the code of before an update: 44 hours at most.
                    _expire_replaced(days=7),
                ],
            ),
            opts=child,
        )
        self.register_outputs(
            {
                "key_arn": self.key_arn,
                "uploads": self.uploads.name,
                "artifacts": self.artifacts.name,
                "state": self.state.name,
                "pipeline_role": self.pipeline_role.arn,
                "scan_role": self.scan_role.arn,
            }
        )

    def evidence(self, *names: str) -> list[Arn]:
        """ARNs of these documents, of any scan."""
        return self.artifacts.objects(*(f"scans/*/{name}" for name in names))

    def read_evidence(self, *names: str) -> Grant:
        """Read these documents of any scan, and see that one is missing."""
        return [
            allow("s3:GetObject", resources=self.evidence(*names)),
            # Without it S3 answers 403 for a missing object, as for a missing permission.
            allow("s3:ListBucket", resources=[self.artifacts.arn]),
            self._decrypt,
        ]

    def write_evidence(self, *names: str) -> Grant:
        """Write these documents of any scan, each once, and read what another writer stored."""
        return [
            allow("s3:GetObject", "s3:PutObject", resources=self.evidence(*names)),
            self._encrypt,
        ]

    def read_state(self, *keys: str) -> Grant:
        """Read these objects of the state bucket, and see that one is missing."""
        return [
            allow("s3:GetObject", resources=self.state.objects(*keys)),
            allow("s3:ListBucket", resources=[self.state.arn]),
            self._decrypt,
        ]

    def write_state(self, *keys: str) -> Grant:
        """Write these objects of the state bucket, and read what another writer stored."""
        return [
            allow("s3:GetObject", "s3:PutObject", resources=self.state.objects(*keys)),
            self._encrypt,
        ]

    def list_upload_versions(self) -> Grant:
        """See which versions of an upload there are: only the newest can be decided about."""
        return [allow("s3:ListBucketVersions", resources=[self.uploads.arn])]

    def read_uploads(self) -> Grant:
        """Read versions of uploads, and see that one is missing.

        The bucket's policy lets only ``scan_role`` read, until they are cleared.
        """
        return [
            allow("s3:GetObjectVersion", resources=self.uploads.objects("*")),
            # It shows keys, but not the ids of versions, without which none can be read.
            allow("s3:ListBucket", resources=[self.uploads.arn]),
            self._decrypt,
        ]

    def tag_uploads(self) -> Grant:
        """Set clearances; the bucket's policy lets only ``pipeline_role``."""
        return [allow("s3:PutObjectVersionTagging", resources=self.uploads.objects("*"))]

    @property
    def _decrypt(self) -> Statement:
        return allow("kms:Decrypt", resources=[self.key_arn])

    @property
    def _encrypt(self) -> Statement:
        # S3 decrypts the data key of a multipart upload.
        return allow("kms:Decrypt", "kms:GenerateDataKey", resources=[self.key_arn])


def _expire(prefix: str, days: int) -> LifecycleRule:
    return {
        "id": prefix.rstrip("/"),
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
    }


def _expire_replaced(days: int) -> LifecycleRule:
    """Delete versions ``days`` after they were replaced or deleted, and then the delete marker."""
    return {
        "id": "replaced-versions",
        "status": "Enabled",
        "filter": {},
        "expiration": {"expired_object_delete_marker": True},
        "noncurrent_version_expiration": {"noncurrent_days": days},
        "abort_incomplete_multipart_upload": _ABORT,
    }
