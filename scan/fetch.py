"""Fetches the exact version that was uploaded."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scan.errors import ScanError
from scan.job import Upload

LONGEST_UPLOADER = 254
GONE = {"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Size in bytes, SHA-256, and the uploader's own claim (object metadata ``uploader``)."""

    size: int = 0
    sha256: str = ""
    uploader: str = ""


def fetch(s3: Any, upload: Upload, to: Path, most_bytes: int) -> Fetched:
    """Download the version into the file ``to``.

    Raises:
        ScanError: the version is gone, may not be read, or is larger than ``most_bytes``.
    """
    try:
        response = s3.get_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
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
    uploader = response.get("Metadata", {}).get("uploader", "")[:LONGEST_UPLOADER]
    return Fetched(size=size, sha256=hasher.hexdigest(), uploader=uploader)
