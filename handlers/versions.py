"""Lists the versions of an upload's key, to find newer and older ones.

S3 lists a key's versions newest first
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
"""

from collections.abc import Mapping
from typing import Any

# Older versions whose requests are closed; each of these closed the ones before it.
OLDER = 3


def newer(s3: Any, scan: Mapping[str, Any]) -> str | None:
    """Return the id of the key's newest version if it is newer than that of ``scan`` (scan.json).

    None if it is not, or if the version of ``scan`` was deleted permanently: then it is unknown
    which versions are newer, and it cannot be deployed anyway.
    """
    versions, all_of_them = _versions(s3, scan)
    known = scan["versionId"] in versions or not all_of_them
    return versions[0] if known and versions and versions[0] != scan["versionId"] else None


def older(s3: Any, scan: Mapping[str, Any]) -> list[str]:
    """Return the ids of up to ``OLDER`` versions before that of ``scan``, newest first.

    Empty if its own is not among the listed ones, since these may be newer.
    """
    versions, _ = _versions(s3, scan)
    if scan["versionId"] not in versions:
        return []
    start = versions.index(scan["versionId"]) + 1
    return versions[start : start + OLDER]


def _versions(s3: Any, scan: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The newest versions of the key, at most 100, and whether these are all.

    Delete markers do not count.
    """
    listed = s3.list_object_versions(Bucket=scan["bucket"], Prefix=scan["key"], MaxKeys=100)
    # Keys are sorted, so this one is listed before longer keys with the same prefix.
    more = listed.get("IsTruncated", False) and listed.get("NextKeyMarker") == scan["key"]
    version_ids = [
        version["VersionId"]
        for version in listed.get("Versions", [])
        if version["Key"] == scan["key"]
    ]
    return version_ids, not more
