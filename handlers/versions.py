"""Which versions of an upload there are: the newest of a key is the one that counts.

S3 lists a key's versions newest first
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
"""

from collections.abc import Mapping
from typing import Any

from handlers.evidence import s3

# Tokens of so many versions before one are looked at; each of them closed those before it.
OLDER = 3


def newer(scan: Mapping[str, Any]) -> str | None:
    """Return the id of the newest version of the key of ``scan`` (scan.json), None if it is its."""
    versions = _versions(scan)
    return versions[0] if versions and versions[0] != scan["versionId"] else None


def older(scan: Mapping[str, Any]) -> list[str]:
    """Return the ids of the few versions before that of ``scan``, newest first.

    None where its own is not among the newest: what is listed then may have come after it.
    """
    versions = _versions(scan)
    if scan["versionId"] not in versions:
        return []
    place = versions.index(scan["versionId"]) + 1
    return versions[place : place + OLDER]


def _versions(scan: Mapping[str, Any]) -> list[str]:
    """The newest versions of the key, at most 100; a delete marker is no version."""
    listed = s3.list_object_versions(Bucket=scan["bucket"], Prefix=scan["key"], MaxKeys=100)
    return [each["VersionId"] for each in listed.get("Versions", []) if each["Key"] == scan["key"]]


def superseded_by(version: str) -> dict[str, Any]:
    """Return what a decision says when the newer ``version`` has made the request moot."""
    return {
        "verdict": "superseded",
        "reason": f"A newer version was uploaded: {version}.",
        "until": None,
    }
