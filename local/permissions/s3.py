"""What requests to S3 need from IAM.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and, for
uploads in parts, https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
"""

import re
from urllib.parse import parse_qs, unquote_plus

from local.permissions.call import Access, Call, Context, through
from local.permissions.world import World

_METHODS = ("GET", "PUT", "DELETE")
# Of a bucket, by the flag in the query: the actions to read, set and delete.
_OF_BUCKET = {
    "location": ("GetBucketLocation",),
    "acl": ("GetBucketAcl", "PutBucketAcl"),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning"),
    "uploads": ("ListBucketMultipartUploads",),
    "versions": ("ListBucketVersions",),
    "lifecycle": (
        "GetLifecycleConfiguration", "PutLifecycleConfiguration", "PutLifecycleConfiguration",
    ),
    "replication": ("GetReplicationConfiguration", "PutReplicationConfiguration"),
    "notification": ("GetBucketNotification", "PutBucketNotification"),
    "object-lock": ("GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
}  # fmt: skip
# Of an object; some have another name for a version that the request names.
_OF_OBJECT = {
    "tagging": ("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
    "acl": ("GetObjectAcl", "PutObjectAcl"),
    "retention": ("GetObjectRetention", "PutObjectRetention"),
    "legal-hold": ("GetObjectLegalHold", "PutObjectLegalHold"),
}
_OF_VERSION = ("Tagging", "Acl")
# Of an object without such a flag: what only says how the request is answered or signed.
_DETAILS = re.compile(r"versionId|partNumber|x-id|response-[a-z-]+|X-Amz-[A-Za-z0-9-]+")
# What a put sets beside the object needs a right of its own, with the start of the headers' names.
_SET_BY_HEADER = {
    "x-amz-acl": "PutObjectAcl",
    "x-amz-grant-": "PutObjectAcl",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-retain-": "PutObjectRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
}
_LISTING = {
    "list-type", "prefix", "delimiter", "max-keys", "continuation-token", "encoding-type",
    "start-after", "marker", "fetch-owner",
}  # fmt: skip


def needed(call: Call, world: World) -> list[Access]:
    """The accesses of a request, the caller's own before KMS's."""
    bucket, key = bucket_and_key(call)
    if not key:
        return [_on_bucket(call, bucket)]
    for flag, actions in _OF_OBJECT.items():
        if flag in call.query:
            return [_on_object(call, world, _of_method(call, actions))]
    if call.query.keys() & {"uploadId", "uploads"}:
        return _in_parts(call, world)
    if not all(map(_DETAILS.fullmatch, call.query)):
        raise call.unknown
    named = "Version" if "versionId" in call.query else ""
    match call.method:
        case "GET" | "HEAD":
            own, action = [_on_object(call, world, f"GetObject{named}")], "kms:Decrypt"
        case "PUT":
            own, action = _put(call, world, creates=True), "kms:GenerateDataKey"
        case "DELETE":
            return [_on_object(call, world, f"DeleteObject{named}")]
        case _:
            raise call.unknown
    return [*own, *_key(call, world, action)]


def bucket_and_key(call: Call) -> tuple[str, str]:
    bucket, _, key = call.path.lstrip("/").partition("/")
    return bucket, key


def _on_bucket(call: Call, bucket: str) -> Access:
    filters = ("prefix", "delimiter", "max-keys")
    context = {f"s3:{name}": call.query[name] for name in filters if name in call.query}
    arn = f"arn:aws:s3:::{bucket}"
    for flag, actions in _OF_BUCKET.items():
        if flag in call.query:
            return Access(f"s3:{_of_method(call, actions)}", arn, context)
    if call.method not in ("GET", "HEAD") or call.query.keys() - _LISTING:
        raise call.unknown
    return Access("s3:ListBucket", arn, context)


def _of_method(call: Call, actions: tuple[str, ...]) -> str:
    try:
        return actions[_METHODS.index(call.method)]
    except (IndexError, ValueError):
        raise call.unknown from None


def _on_object(call: Call, world: World, action: str) -> Access:
    bucket, key = bucket_and_key(call)
    version = call.query.get("versionId", "")
    if version and action.endswith(_OF_VERSION):
        action = action.replace("Object", "ObjectVersion")
    context = _tags_of(world, bucket, key, version)
    if version:
        context["s3:VersionId"] = version
    return Access(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}", context)


def _in_parts(call: Call, world: World) -> list[Access]:
    """A request about an upload in parts: KMS encrypts each part, and decrypts them in the end."""
    encrypt, decrypt = _key(call, world, "kms:GenerateDataKey"), _key(call, world, "kms:Decrypt")
    match call.method, "partNumber" in call.query, "uploads" in call.query:
        case "POST", False, True:
            return [*_put(call, world, creates=False), *encrypt]
        case "PUT", True, False:
            return [*_put(call, world, creates=False), *encrypt, *decrypt]
        case "POST", False, False:
            return [*_put(call, world, creates=True), *decrypt]
        case "GET", False, False:
            return [_on_object(call, world, "ListMultipartUploadParts")]
        case "DELETE", False, False:
            return [_on_object(call, world, "AbortMultipartUpload")]
        case _:
            raise call.unknown


def _put(call: Call, world: World, *, creates: bool) -> list[Access]:
    """``creates`` is false for the start and the parts of an upload in parts.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    bucket, key = bucket_and_key(call)
    arn = f"arn:aws:s3:::{bucket}/{key}"
    sent = parse_qs(call.headers.get("x-amz-tagging", ""))
    tags: Context = {f"s3:RequestObjectTag/{name}": values[0] for name, values in sent.items()}
    conditions: Context = {
        f"s3:{name}": call.headers[name]
        for name in ("if-match", "if-none-match", "x-amz-acl")
        if name in call.headers
    }
    operation = {"s3:ObjectCreationOperation": "true" if creates else "false"}
    accesses = [Access("s3:PutObject", arn, {**tags, **conditions, **operation})]
    if tags:
        accesses.append(Access("s3:PutObjectTagging", arn, tags))
    rights = {
        right
        for start, right in _SET_BY_HEADER.items()
        for name in call.headers
        if name.startswith(start)
    }
    accesses += [Access(f"s3:{right}", arn, conditions) for right in sorted(rights)]
    if source := unquote_plus(call.headers.get("x-amz-copy-source", "")).lstrip("/"):
        accesses += _read_source(call, world, source, arn)
    return accesses


def _read_source(call: Call, world: World, source: str, target: str) -> list[Access]:
    """What a copy reads: the object, and its tags, which it then sets.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    place, _, version = source.partition("?versionId=")
    bucket, _, key = place.partition("/")
    arn, named = f"arn:aws:s3:::{place}", "Version" if version else ""
    tags = _tags_of(world, bucket, key, version)
    accesses = [Access(f"s3:GetObject{named}", arn, tags)]
    if tags:
        accesses.append(Access(f"s3:GetObject{named}Tagging", arn, tags))
        accesses.append(Access("s3:PutObjectTagging", target))
    decrypt = through("s3", ["kms:Decrypt"], world.key_of_bucket(bucket), call.region)
    return [*accesses, *decrypt]


def _tags_of(world: World, bucket: str, key: str, version: str) -> dict[str, str | list[str]]:
    tags = world.tags_of(bucket, key, version)
    return {f"s3:ExistingObjectTag/{name}": value for name, value in (tags or {}).items()}


def _key(call: Call, world: World, action: str) -> list[Access]:
    """With a bucket key, KMS is asked seldom, but the right is needed.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
    """
    return through("s3", [action], world.key_of_bucket(bucket_and_key(call)[0]), call.region)
