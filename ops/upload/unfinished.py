"""Remembers an upload in parts that was interrupted, for the next run of the same command."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# S3's ids of uploads in parts are of such characters; this one becomes part of a request.
UPLOAD_ID = re.compile(r"[A-Za-z0-9._~-]{1,1024}")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a zip goes, and what is recorded with it."""

    bucket: str
    key: str
    metadata: Mapping[str, str]


class Unfinished:
    """The id of the upload in parts of one zip to one destination, in the user's cache folder.

    The file is a hint only: it may be old, or anybody's. S3 says what it has, and the checksums of
    the parts decide whether it is this zip. A folder that cannot be written costs the hint.
    """

    def __init__(self, destination: Destination, sha256: str) -> None:
        self._known = {
            "bucket": destination.bucket,
            "key": destination.key,
            # They were recorded when the upload began.
            "metadata": dict(destination.metadata),
            "sha256": sha256,
        }
        text = json.dumps(self._known, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        self._file = _cache() / "chatops-slack" / "uploads" / f"{name}.json"

    @property
    def upload_id(self) -> str:
        """The id of the upload that was interrupted, empty if there is none."""
        try:
            document = json.loads(self._file.read_bytes()[:100_000])
        except (OSError, ValueError, RecursionError):
            return ""
        if not isinstance(document, dict):
            return ""
        upload_id = document.pop("uploadId", None)
        is_valid = isinstance(upload_id, str) and UPLOAD_ID.fullmatch(upload_id)
        return str(upload_id) if is_valid and document == self._known else ""

    def remember(self, upload_id: str) -> None:
        """Write the id, completely or not at all."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, partial = tempfile.mkstemp(dir=self._file.parent)
            with os.fdopen(handle, "w") as file:
                json.dump({**self._known, "uploadId": upload_id}, file)
            Path(partial).replace(self._file)

    def forget(self) -> None:
        """Remove the file, at the end of the upload."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


def _cache() -> Path:
    """The user's folder for caches (XDG Base Directory Specification: an absolute path)."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # the user has no home, as in many containers
        return Path(os.devnull)
