"""Creates buckets, their configuration, and the objects that the program uploads."""

from typing import Any
from urllib.parse import urlencode

from local.permissions import services
from local.resources.inputs import Account, Create, Inputs, Made, UnknownInput, zipped


def bucket(account: Account, name: str, inputs: Inputs) -> Made:
    s3 = account.client("s3")
    bucket = account.named(name)
    s3.create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
    )
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": inputs.tags()})
    inputs.take("forceDestroy")
    return bucket, {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}"}


def public_access_block(account: Account, name: str, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    account.client("s3").put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": inputs.take("blockPublicAcls"),
            "BlockPublicPolicy": inputs.take("blockPublicPolicy"),
            "IgnorePublicAcls": inputs.take("ignorePublicAcls"),
            "RestrictPublicBuckets": inputs.take("restrictPublicBuckets"),
        },
    )
    return bucket, {}


def ownership(account: Account, name: str, inputs: Inputs) -> Made:
    bucket, rule = inputs.take("bucket"), inputs.nested("rule")
    account.client("s3").put_bucket_ownership_controls(
        Bucket=bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": rule.take("objectOwnership")}]},
    )
    rule.done()
    return bucket, {}


def sse(account: Account, name: str, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    rules = []
    for rule in inputs.blocks("rules"):
        default = rule.nested("applyServerSideEncryptionByDefault")
        by_default = {"SSEAlgorithm": default.take("sseAlgorithm")}
        if key := default.take("kmsMasterKeyId"):
            by_default["KMSMasterKeyID"] = key
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": by_default,
                "BucketKeyEnabled": rule.take("bucketKeyEnabled"),
            }
        )
        default.done()
        rule.done()
    account.client("s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
    )
    return bucket, {}


def versioning(account: Account, name: str, inputs: Inputs) -> Made:
    bucket, versioning = inputs.take("bucket"), inputs.nested("versioningConfiguration")
    account.client("s3").put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": versioning.take("status")}
    )
    versioning.done()
    return bucket, {}


def bucket_logging(account: Account, name: str, inputs: Inputs) -> Made:
    # Only checked: moto needs a grant by ACL, which AWS refuses for buckets without ACLs.
    bucket, target, prefix = (
        inputs.take(key) for key in ("bucket", "targetBucket", "targetPrefix")
    )
    if not (target and prefix):
        raise UnknownInput(f"{name}: BucketLogging needs targetBucket and targetPrefix")
    services.access_logs_are_delivered(account.guard, bucket, f"{target}/{prefix}")
    return bucket, {}


def bucket_policy(account: Account, name: str, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
    return bucket, {}


def notification(account: Account, name: str, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    configuration: dict[str, Any] = {}
    if inputs.take("eventbridge"):
        configuration["EventBridgeConfiguration"] = {}
    for function in inputs.blocks("lambdaFunctions"):
        arn = function.take("lambdaFunctionArn")
        services.notifications_are_sent(account.guard, bucket, arn)
        suffix = {"Name": "suffix", "Value": function.take("filterSuffix")}
        configuration.setdefault("LambdaFunctionConfigurations", []).append(
            {
                "Id": function.take("id"),
                "LambdaFunctionArn": arn,
                "Events": function.take("events"),
                "Filter": {"Key": {"FilterRules": [suffix]}},
            }
        )
        function.done()
    account.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration
    )
    return bucket, {}


def lifecycle(account: Account, name: str, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    rules = []
    for rule in inputs.blocks("rules"):
        row: dict[str, Any] = {"ID": rule.take("id"), "Status": rule.take("status")}
        within = rule.nested("filter")
        row["Filter"] = {"Prefix": within.take("prefix", "")}
        within.done()
        if expiration := rule.take("expiration"):
            days, marker = expiration.get("days"), expiration.get("expiredObjectDeleteMarker")
            row["Expiration"] = {"Days": days} if days else {"ExpiredObjectDeleteMarker": marker}
        if noncurrent := rule.take("noncurrentVersionExpiration"):
            row["NoncurrentVersionExpiration"] = {"NoncurrentDays": noncurrent["noncurrentDays"]}
        if parts := rule.take("abortIncompleteMultipartUpload"):
            row["AbortIncompleteMultipartUpload"] = {
                "DaysAfterInitiation": parts["daysAfterInitiation"]
            }
        rule.done()
        rules.append(row)
    account.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )
    return bucket, {}


def bucket_object(account: Account, name: str, inputs: Inputs) -> Made:
    bucket, key = inputs.take("bucket"), inputs.take("key")
    made = account.client("s3").put_object(
        Bucket=bucket,
        Key=key,
        Body=zipped(inputs.take("source")),
        Tagging=urlencode(inputs.take("tags", {})),
    )
    return f"{bucket}/{key}", {"key": key, "versionId": made.get("VersionId")}


CREATE: dict[str, Create] = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": public_access_block,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownership,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": sse,
    "aws:s3/bucketVersioning:BucketVersioning": versioning,
    "aws:s3/bucketLogging:BucketLogging": bucket_logging,
    "aws:s3/bucketPolicy:BucketPolicy": bucket_policy,
    "aws:s3/bucketNotification:BucketNotification": notification,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
    "aws:s3/bucketObjectv2:BucketObjectv2": bucket_object,
}
