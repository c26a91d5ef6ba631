"""What the principals in ``deployers`` and ``uploaders`` may do, on each bucket and on the key.

In a bucket's or key's policy these statements suffice for principals of the same account. For other
accounts AWS asks for the same rights in the principal's own policy, too, which `ops rights` prints
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html).
"""

from collections.abc import Mapping, Sequence

from components.policy import Arn, Statement, allow, objects

# ARNs of IAM roles and users by app; a key may end in ``*``, or be ``*`` for every app.
Uploaders = Mapping[str, Sequence[str]]


def principals_of(uploaders: Uploaders) -> list[str]:
    """The ARNs of all ``uploaders``, each once."""
    return sorted({arn for principals in uploaders.values() for arn in principals})


def deployers_read_uploads(bucket_arn: Arn, deployers: Sequence[str]) -> list[Statement]:
    """Let ``deployers`` list and read uploads; the policy's denials limit it to cleared ones."""
    return _granted(
        "DeployersRead",
        deployers,
        allow(
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
            "s3:ListBucket",
            "s3:ListBucketVersions",
            resources=[bucket_arn, objects(bucket_arn, "*")],
        ),
    )


def deployers_read_evidence(bucket_arn: Arn, deployers: Sequence[str]) -> list[Statement]:
    """Let ``deployers`` read why a version is denied to them, and who decided."""
    return _granted(
        "DeployersReadEvidence",
        deployers,
        allow(
            "s3:GetObject",
            "s3:ListBucket",
            resources=[bucket_arn, objects(bucket_arn, "scans/*")],
        ),
    )


def deployers_decrypt(key_arn: Arn, deployers: Sequence[str], s3: str) -> list[Statement]:
    """Let ``deployers`` decrypt what they read, through ``s3``, the name of the service."""
    return _granted(
        "DeployersDecrypt",
        deployers,
        allow(
            "kms:Decrypt",
            resources=[key_arn],
            conditions={"StringEquals": {"kms:ViaService": s3}},
        ),
    )


def uploaders_upload(bucket_arn: Arn, uploaders: Uploaders) -> list[Statement]:
    """Let ``uploaders`` put zips of their apps, and read the status of these."""
    return [
        statement
        for number, (principals, apps) in enumerate(_groups(uploaders), 1)
        for statement in _granted(
            f"UploadersUpload{number}",
            principals,
            allow(
                "s3:PutObject",
                # An upload of many parts is resumed or given up by these.
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
                # The tag is the status; the response also has the id of the newest version.
                "s3:GetObjectTagging",
                "s3:GetObjectVersionTagging",
                resources=[objects(bucket_arn, key) for app in apps for key in keys_of(app)],
            ),
        )
    ]


def uploaders_read_evidence(bucket_arn: Arn, uploaders: Uploaders) -> list[Statement]:
    """Let ``uploaders`` list and read the evidence of their apps."""
    statements: list[Statement] = []
    for number, (principals, apps) in enumerate(_groups(uploaders), 1):
        statements += _granted(
            f"UploadersRead{number}",
            principals,
            allow(
                "s3:GetObject",
                resources=[objects(bucket_arn, f"scans/{app}/*") for app in apps],
            ),
        )
        statements += _granted(
            f"UploadersList{number}",
            principals,
            allow(
                "s3:ListBucket",
                resources=[bucket_arn],
                conditions={"StringLike": {"s3:prefix": [f"scans/{app}/*" for app in apps]}},
            ),
        )
    return statements


def uploaders_encrypt(key_arn: Arn, uploaders: Uploaders, s3: str) -> list[Statement]:
    """Let ``uploaders`` encrypt what they upload and decrypt the evidence, through ``s3``."""
    return _granted(
        "UploadersEncrypt",
        principals_of(uploaders),
        allow(
            "kms:GenerateDataKey",
            # Also for an upload of many parts: S3 decrypts its data key for each part.
            "kms:Decrypt",
            resources=[key_arn],
            conditions={"StringEquals": {"kms:ViaService": s3}},
        ),
    )


def keys_of(app: str) -> tuple[str, ...]:
    """The keys of an app's uploads, as ``domain.scan_id.app_of`` reads them."""
    return (f"{app}.zip",) if app.endswith("*") else (f"{app}.zip", f"{app}/*.zip")


def _granted(sid: str, principals: Sequence[str], statement: Statement) -> list[Statement]:
    if not principals:  # no policy may have an empty list of them
        return []
    return [{"Sid": sid, "Principal": {"AWS": list(principals)}, **statement}]


def _groups(uploaders: Uploaders) -> list[tuple[tuple[str, ...], list[str]]]:
    """The apps of the same principals together, since S3 limits a policy's size."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for app, principals in sorted(uploaders.items()):
        groups.setdefault(tuple(sorted(set(principals))), []).append(app)
    return list(groups.items())
