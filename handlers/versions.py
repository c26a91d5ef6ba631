"""Lists the versions of an upload's key, to find newer and older ones.

S3 lists a key's versions newest first
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

# Older versions whose requests are closed; each of these closed the ones before it.
OLDER = 3


def newer(s3: Any, scan: Mapping[str, Any]) -> str | None:
    """Return the id of the key's newest version if it is newer than that of ``scan`` (scan.json).

    None if it is not, or if the version of ``scan`` was deleted permanently: then it is unknown
    which versions are newer, and it cannot be deployed anyway.
    """
    listed, all_of_them = _versions(s3, scan)
    versions = [version["VersionId"] for version in listed]
    known = scan["versionId"] in versions or not all_of_them
    return versions[0] if known and versions and versions[0] != scan["versionId"] else None


def older(s3: Any, scan: Mapping[str, Any]) -> list[str]:
    """Return the ids of up to ``OLDER`` versions before that of ``scan``, newest first.

    Empty if its own is not among the listed ones, since these may be newer.
    """
    versions = [version["VersionId"] for version in _versions(s3, scan)[0]]
    if scan["versionId"] not in versions:
        return []
    start = versions.index(scan["versionId"]) + 1
    return versions[start : start + OLDER]


def replaced_at(s3: Any, scan: Mapping[str, Any]) -> datetime | None:
    """Return when a newer version replaced that of ``scan``, None if none of the newest 100 did."""
    uploaded = None
    for version in _versions(s3, scan)[0]:
        if version["VersionId"] == scan["versionId"]:
            return uploaded
        uploaded = version["LastModified"]
    return None


def _versions(s3: Any, scan: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """The newest versions of the key, at most 100, and whether these are all.

    Delete markers do not count.
    """
    listed = s3.list_object_versions(Bucket=scan["bucket"], Prefix=scan["key"], MaxKeys=100)
    # Keys are sorted, so this one is listed before longer keys with the same prefix.
    more = listed.get("IsTruncated", False) and listed.get("NextKeyMarker") == scan["key"]
    versions = [version for version in listed.get("Versions", []) if version["Key"] == scan["key"]]
    return versions, not more
