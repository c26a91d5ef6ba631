"""Which versions of an upload there are: the newest of a key is the one that counts.

S3 lists a key's versions newest first
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
"""

from collections.abc import Mapping
from typing import Any

# Tokens of so many versions before one are looked at; each of them closed those before it.
OLDER = 3


def newer(s3: Any, scan: Mapping[str, Any]) -> str | None:
    """Return the id of the newest version of the key of ``scan`` (scan.json), None if it is its.

    None, too, where its own was deleted for good: which of the others came after it cannot be told,
    and nobody can deploy it any more.
    """
    versions, all_of_them = _versions(s3, scan)
    known = scan["versionId"] in versions or not all_of_them
    return versions[0] if known and versions and versions[0] != scan["versionId"] else None


def older(s3: Any, scan: Mapping[str, Any]) -> list[str]:
    """Return the ids of the few versions before that of ``scan``, newest first.

    None where its own is not among the newest: what is listed then may have come after it.
    """
    versions, _ = _versions(s3, scan)
    if scan["versionId"] not in versions:
        return []
    place = versions.index(scan["versionId"]) + 1
    return versions[place : place + OLDER]


def _versions(s3: Any, scan: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The newest versions of the key, at most 100, and whether that is all of them.

    A delete marker is no version.
    """
    listed = s3.list_object_versions(Bucket=scan["bucket"], Prefix=scan["key"], MaxKeys=100)
    # Keys are listed in order, this one before all that only begin like it.
    more = listed.get("IsTruncated", False) and listed.get("NextKeyMarker") == scan["key"]
    version_ids = [
        version["VersionId"]
        for version in listed.get("Versions", [])
        if version["Key"] == scan["key"]
    ]
    return version_ids, not more
