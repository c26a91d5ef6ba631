"""Fetches the exact version that was uploaded."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError
from s3transfer.subscribers import BaseSubscriber

from domain import origin
from domain.origin import UNKNOWN, Origin
from scan.errors import ScanError
from scan.job import Upload

LONGEST_UPLOADER = 254
# Ranges of 8 MB, ten at a time; each is tried five times where its connection breaks.
TRANSFER = TransferConfig(num_download_attempts=5)
GONE = {"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """Size in bytes, SHA-256, and what the upload's own metadata claims of its origin."""

    size: int = 0
    sha256: str = ""
    uploader: str = ""
    origin: Origin = UNKNOWN


def open_version(s3: Any, upload: Upload) -> Mapping[str, Any]:
    """Return what S3 says of the version: its size, and its metadata.

    Raises:
        ScanError: the version is gone, may not be read, or S3 cannot be reached.
    """
    with _explained(upload):
        return s3.head_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)


def claimed(response: Mapping[str, Any]) -> Fetched:
    """Return what the metadata says, which is known also if the zip is refused."""
    metadata = response.get("Metadata", {})
    return Fetched(
        uploader=metadata.get("uploader", "")[:LONGEST_UPLOADER],
        origin=origin.of_metadata(metadata),
    )


def download(
    s3: Any, upload: Upload, response: Mapping[str, Any], claims: Fetched, to: Path, most_bytes: int
) -> Fetched:
    """Write the version to the file ``to``, add its size and SHA-256 to what it ``claims``.

    ``response`` is that of ``open_version``. A large zip comes in ranges, several at a time; one
    whose connection breaks is requested again.

    Raises:
        ScanError: it is larger than ``most_bytes``, is gone now, or S3 cannot be reached.
    """
    size = response["ContentLength"]
    if size > most_bytes:
        # Unpacked it would hardly be smaller, so unpacking would refuse it anyway.
        raise ScanError(
            "UploadTooLarge",
            f"The zip has {size:,} bytes; {most_bytes:,} are allowed.",
            "Leave build results and dependencies out, or raise the setting maxUploadMegabytes.",
        )
    with _explained(upload), create_transfer_manager(s3, TRANSFER) as manager:
        version = {"VersionId": upload.version_id}
        manager.download(upload.bucket, upload.key, str(to), version, [_KnownSize(size)]).result()
    with to.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return replace(claims, size=size, sha256=sha256)


class _KnownSize(BaseSubscriber):
    """Saves the request by which the transfer manager would ask for the size."""

    def __init__(self, size: int) -> None:
        self._size = size

    def on_queued(self, future: Any, **_: object) -> None:
        future.meta.provide_transfer_size(self._size)


@contextmanager
def _explained(upload: Upload) -> Iterator[None]:
    """Raise ScanError where S3 says that a version is gone or forbidden, or says nothing at all."""
    try:
        yield
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
    except (BotoCoreError, RetriesExceededError) as error:
        raise ScanError(
            "UploadUnreachable",
            f"{upload.key} could not be fetched from S3: {error}",
            "Scan again; if that does not help, look at the build's way to S3.",
        ) from error
