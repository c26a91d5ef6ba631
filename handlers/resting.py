"""Index in the state bucket: which scans rest on the exception of another, their root.

It only says whom to resume once the root ends; what rests on what, the evidence says.
"""

from functools import partial
from typing import Any

from domain import stored_objects
from domain.evidence_paths import resting_key, resting_prefix
from handlers import parallel
from handlers.resume import resume_scan


def mark(s3: Any, bucket: str, root: str, scan: str) -> None:
    """Record that ``scan`` will rest on ``root``: before ``root`` is read for the last time.

    A withdrawal is written before the index is read, so one of the two sees the other.
    """
    body = stored_objects.to_json({"version": 1, "scan": scan})
    stored_objects.put_if_absent(s3, bucket, resting_key(root, scan), body)


def scans(s3: Any, bucket: str, root: str) -> list[str]:
    """Return the ids of the scans that may rest on ``root``, by their ids."""
    prefix, app = resting_prefix(root), root.partition("/")[0]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [
        f"{app}/{item['Key'].removeprefix(prefix).removesuffix('.json')}"
        for page in pages
        for item in page.get("Contents", [])
    ]


def resume(s3: Any, sfn: Any, bucket: str, root: str, most: int | None = None) -> int:
    """Resume the executions whose scans rest on ``root``; return how many of them waited.

    Each reads the evidence then. ``most`` is for a caller that must respond soon.
    """
    send = partial(resume_scan, s3, sfn, bucket)
    return sum(parallel.map_all(send, scans(s3, bucket, root)[:most]))
