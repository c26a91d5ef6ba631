"""The uploaded versions of an app, and the clearance of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from domain.scan_id import app_of
from domain.stored_objects import error_code
from ops.evidence import checked_app
from ops.problem import Problem
from ops.stack import Stack

# The status of a version that is not there any more (``uploadRetentionDays``), or never was.
GONE = "gone"
NOT_THERE = ("NoSuchVersion", "NoSuchKey", "MethodNotAllowed", "InvalidArgument", "KeyTooLongError")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version; ``deleted`` where the newest thing of its key is a delete marker."""

    app: str
    key: str
    version: str
    uploaded: datetime
    deleted: bool


def of_app(stack: Stack, app: str, key: str | None = None) -> list[Upload]:
    """Return all versions of ``app`` (or of its one ``key``), newest first.

    Raises:
        Problem: it cannot be an app, or ``key`` is not of it.
    """
    app = checked_app(app)
    if key and app_of(key) != app:
        raise Problem(f"{key} is not of app {app}", f"its app is {app_of(key)}")
    found = []
    for prefix in [key] if key else [f"{app}/", f"{app}.zip"]:
        found += [
            each
            for each in _versions(stack, prefix)
            if app_of(each.key) == app and key in (None, each.key)
        ]
    # S3 lists the versions of a key newest first, and within a second only that tells.
    return sorted(found, key=lambda each: each.uploaded, reverse=True)


def status(stack: Stack, key: str, version: str) -> str | None:
    """Return the tag ``scan-status``, None where nothing was judged yet; ``GONE``."""
    try:
        tags: list[dict[str, Any]] = stack.client("s3").get_object_tagging(
            Bucket=stack["uploadBucket"], Key=key, VersionId=version
        )["TagSet"]
    except ClientError as error:
        if error_code(error) in NOT_THERE:
            return GONE
        raise
    return next((each["Value"] for each in tags if each["Key"] == "scan-status"), None)


def _versions(stack: Stack, prefix: str) -> Iterator[Upload]:
    pages = stack.client("s3").get_paginator("list_object_versions")
    listed = list(pages.paginate(Bucket=stack["uploadBucket"], Prefix=prefix))
    gone = {
        each["Key"] for page in listed for each in page.get("DeleteMarkers", []) if each["IsLatest"]
    }
    for page in listed:
        for each in page.get("Versions", []):
            yield Upload(
                app=app_of(each["Key"]),
                key=each["Key"],
                version=each["VersionId"],
                uploaded=each["LastModified"],
                deleted=each["Key"] in gone,
            )
