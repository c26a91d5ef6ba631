"""Fetches the exact version that was uploaded."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from domain import origin
from domain.origin import UNKNOWN, Origin
from scan.errors import ScanError
from scan.job import Upload

LONGEST_UPLOADER = 254
GONE = {"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Size in bytes, SHA-256, and what the upload's own metadata claims of its origin."""

    size: int = 0
    sha256: str = ""
    uploader: str = ""
    origin: Origin = UNKNOWN


def open_version(s3: Any, upload: Upload) -> Mapping[str, Any]:
    """Return S3's response with the version, whose body is not read yet.

    Raises:
        ScanError: the version is gone, or may not be read.
    """
    try:
        return s3.get_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in GONE:
            raise ScanError(
                "UploadGone",
                f"The uploaded version of {upload.key} is not in the bucket any more.",
                "Upload the zip again.",
            ) from error
        if code in {"AccessDenied", "403"}:
            raise ScanError(
                "UploadUnreadable",
                f"The build may not read {upload.key}: {code}.",
                "Check the bucket's and the key's policies for later changes; run `pulumi up`.",
            ) from error
        raise


def claimed(response: Mapping[str, Any]) -> Fetched:
    """Return what the metadata says, which is known also if the zip is refused."""
    metadata = response.get("Metadata", {})
    return Fetched(
        uploader=metadata.get("uploader", "")[:LONGEST_UPLOADER],
        origin=origin.of_metadata(metadata),
    )


def download(response: Mapping[str, Any], claims: Fetched, to: Path, most_bytes: int) -> Fetched:
    """Write the version to the file ``to``, add its size and SHA-256 to what it ``claims``.

    Raises:
        ScanError: it is larger than ``most_bytes``.
    """
    size = response["ContentLength"]
    if size > most_bytes:
        # Unpacked it would hardly be smaller, so unpacking would refuse it anyway.
        raise ScanError(
            "UploadTooLarge",
            f"The zip has {size:,} bytes; {most_bytes:,} are allowed.",
            "Leave build results and dependencies out, or raise the setting maxUploadMegabytes.",
        )
    hasher = hashlib.sha256()
    with to.open("wb") as file:
        for chunk in response["Body"].iter_chunks(1024 * 1024):
            hasher.update(chunk)
            file.write(chunk)
    return replace(claims, size=size, sha256=hasher.hexdigest())
