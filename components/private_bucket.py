"""A bucket without public access: private, encrypted, over TLS only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.policy import Arn, Statement, deny_insecure_transport, objects, policy

LifecycleRule = aws.s3.BucketLifecycleConfigurationRuleArgsDict


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """``key`` is the gate's KMS key; None for S3's own key, which access logs need.

    ``statements`` returns the bucket policy's statements besides TLS, given the bucket's ARN.
    ``protect`` protects the bucket and its objects from ``pulumi destroy``. ``access_logs`` is the
    name of the bucket that gets the access logs.
    """

    key: aws.kms.Key | None
    rules: Sequence[LifecycleRule]
    statements: Callable[[pulumi.Output[str]], Sequence[Statement]] = lambda arn: ()
    access_logs: pulumi.Input[str] | None = None
    versioned: bool = True
    events: bool = False
    protect: bool = False


class PrivateBucket(pulumi.ComponentResource):
    """A bucket by its ``name`` and ``arn``; ``objects`` returns ARNs of its objects.

    Resources that use ``name`` wait for versioning, encryption and policy: otherwise the first
    object would have no version id and another key, and S3 could not deliver access logs yet.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    versioning: aws.s3.BucketVersioning | None = None

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("chatops-slack:index:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        bucket = aws.s3.Bucket(
            name,
            # A throw-away environment can be destroyed with what is in it; a protected one cannot.
            force_destroy=not args.protect,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # A destroy that cannot delete the bucket, for example because an object is locked,
                # must leave the key: without it nothing in the bucket could be read.
                depends_on=[args.key] if args.key else [],
            ),
        )
        aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": (
                        {"sse_algorithm": "aws:kms", "kms_master_key_id": args.key.arn}
                        if args.key
                        else {"sse_algorithm": "AES256"}
                    ),
                    # One data key for many objects: 1 % of the KMS calls.
                    "bucket_key_enabled": args.key is not None,
                }
            ],
            opts=child,
        )
        access = aws.s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=policy(deny_insecure_transport(bucket.arn), *args.statements(bucket.arn)),
            opts=child,
        )
        ready: list[pulumi.Output[str]] = [bucket.id, encryption.id, access.id]
        if args.versioned:
            self.versioning = aws.s3.BucketVersioning(
                name,
                bucket=bucket.id,
                versioning_configuration={"status": "Enabled"},
                opts=child,
            )
            ready.append(self.versioning.id)
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=list(args.rules),
            # S3 refuses rules about noncurrent versions on a bucket without versions.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[self.versioning] if self.versioning else []
            ),
        )
        if args.access_logs:
            aws.s3.BucketLogging(
                name,
                bucket=bucket.id,
                target_bucket=args.access_logs,
                target_prefix=f"{name}/",
                opts=child,
            )
        if args.events:
            aws.s3.BucketNotification(name, bucket=bucket.id, eventbridge=True, opts=child)

        self.name, self.arn = pulumi.Output.all(*ready)[0], bucket.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def objects(self, *keys: str) -> list[Arn]:
        """ARNs of objects; a ``*`` in a key matches anything."""
        return [objects(self.arn, key) for key in keys]
