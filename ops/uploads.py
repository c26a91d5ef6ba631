"""The uploaded versions of an app, and the clearance of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from domain.scan_id import app_of
from domain.stored_objects import error_code
from ops.errors import CommandError
from ops.evidence import checked_app
from ops.stack import Stack

# The status of a version that was deleted (``uploadRetentionDays``), or never existed.
GONE = "gone"
NOT_THERE = ("NoSuchVersion", "NoSuchKey", "MethodNotAllowed", "InvalidArgument", "KeyTooLongError")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version; ``deleted`` if its key's latest version is a delete marker."""

    app: str
    key: str
    version: str
    uploaded: datetime
    deleted: bool


def of_app(stack: Stack, app: str, key: str | None = None) -> list[Upload]:
    """Return all versions of ``app`` (or of its one ``key``), newest first.

    Raises:
        CommandError: ``app`` is not a valid name, or ``key`` is not one of its keys.
    """
    app = checked_app(app)
    if key and app_of(key) != app:
        raise CommandError(f"{key} is not of app {app}", f"its app is {app_of(key)}")
    uploads_found = []
    for prefix in [key] if key else [f"{app}/", f"{app}.zip"]:
        uploads_found += [
            version
            for version in _versions(stack, prefix)
            if app_of(version.key) == app and key in (None, version.key)
        ]
    # The sort is stable: within a second, the order in which S3 lists a key (newest first) counts.
    return sorted(uploads_found, key=lambda upload: upload.uploaded, reverse=True)


def status(stack: Stack, key: str, version: str) -> str | None:
    """Return the tag ``scan-status``, None if it is not set yet, ``GONE`` without the version."""
    try:
        tags: list[dict[str, Any]] = stack.client("s3").get_object_tagging(
            Bucket=stack["uploadBucket"], Key=key, VersionId=version
        )["TagSet"]
    except ClientError as error:
        if error_code(error) in NOT_THERE:
            return GONE
        raise
    return next((tag["Value"] for tag in tags if tag["Key"] == "scan-status"), None)


def _versions(stack: Stack, prefix: str) -> Iterator[Upload]:
    pages = stack.client("s3").get_paginator("list_object_versions")
    listed = list(pages.paginate(Bucket=stack["uploadBucket"], Prefix=prefix))
    gone = {
        marker["Key"]
        for page in listed
        for marker in page.get("DeleteMarkers", [])
        if marker["IsLatest"]
    }
    for page in listed:
        for version in page.get("Versions", []):
            yield Upload(
                app=app_of(version["Key"]),
                key=version["Key"],
                version=version["VersionId"],
                uploaded=version["LastModified"],
                deleted=version["Key"] in gone,
            )
