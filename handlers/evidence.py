"""Reads and writes the evidence of a scan, and reads its task tokens in the state bucket.

Each document of the evidence is write-once and names the SHA-256 of those before it, so that later
changes are detected: see ``domain/evidence_paths.py``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from domain import findings_document, stored_objects
from domain.approvals import Documents
from domain.evidence_paths import (
    WAITING,
    evidence_key,
    evidence_prefix,
    numbered,
    scan_and_name,
    waiting_key,
    waiting_scan,
)
from domain.scan_id import ATTEMPT, scan_id
from domain.stored_objects import StoredObject, get_object
from handlers import parallel


class Evidence(NamedTuple):
    """The documents of ``scan``, a scan's id, in ``bucket``; ``s3`` is a client of S3."""

    s3: Any
    bucket: str
    scan: str

    def get(self, name: str) -> StoredObject | None:
        """Return the stored document ``name``, None if it does not exist.

        Also None if it is larger than any document of the pipeline: the scan writes some of them,
        and hostile code may have taken over the scan.
        """
        return get_object(
            self.s3, self.bucket, evidence_key(self.scan, name), findings_document.MOST_BYTES
        )

    def read(self, name: str) -> Any:
        """Return the parsed JSON of ``name``, None if it does not exist or is not JSON."""
        stored = self.get(name)
        return stored and stored.document

    def get_each(self, *names: str) -> list[StoredObject | None]:
        """Return each of ``names`` as ``get`` does, read in parallel."""
        return parallel.map_all(self.get, names)

    def read_each(self, *names: str) -> list[Any]:
        """Return each of ``names`` as ``read`` does, read in parallel."""
        return parallel.map_all(self.read, names)

    def all(self, folder: str) -> list[Any]:
        """Return the parsed JSON of the documents in ``folder``, at most 200."""
        listed = self.s3.list_objects_v2(
            Bucket=self.bucket, Prefix=evidence_key(self.scan, f"{folder}/"), MaxKeys=200
        )
        keys = [content["Key"] for content in listed.get("Contents", [])]
        return self.read_each(*(scan_and_name(key)[1] for key in keys))

    def names(self) -> list[str]:
        """Return the names of all stored documents, such as ``actions/1.json``."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=evidence_prefix(self.scan)
        )
        return [
            scan_and_name(item["Key"])[1] for page in pages for item in page.get("Contents", [])
        ]

    def documents(self, decision: Any, names: Sequence[str]) -> Documents:
        """Return the ``decision`` and what followed; ``names`` are those of all documents."""
        follows = [name for name in ("withdrawal.json",) if name in names]
        extensions = numbered("extensions", names)
        stored = self.read_each(*extensions, *follows)
        return Documents(
            decision=decision,
            withdrawal=stored[len(extensions)] if follows else None,
            extensions=stored[: len(extensions)],
        )

    def clicks(self, names: Sequence[str]) -> list[Any]:
        """Return the clicks on Approve where one is not enough, in order of their numbers."""
        return self.read_each(*numbered("approvals", names))

    def root(self, decision: Mapping[str, Any]) -> "Evidence | None":
        """Return the evidence of the exception that ``decision`` rests on, None if on none."""
        rests_on = decision.get("restsOn")
        return Evidence(self.s3, self.bucket, rests_on["scan"]) if rests_on else None

    def root_documents(self, decision: Mapping[str, Any]) -> Documents | None:
        """Return the documents of the exception that ``decision`` rests on, None if on none."""
        root = self.root(decision)
        if root is None:
            return None
        root_decision, names = parallel.both(partial(root.read, "decision.json"), root.names)
        return root.documents(root_decision, names)

    def put_if_absent(self, name: str, document: object) -> StoredObject:
        """Write the document ``name`` unless it exists; return what is stored."""
        body = stored_objects.to_json(document)
        return stored_objects.put_if_absent(
            self.s3, self.bucket, evidence_key(self.scan, name), body
        )


def uploader_of(evidence: Evidence, scan: Mapping[str, Any] | None, recorded: Any) -> Any:
    """Return uploader.json of a version, None if S3's event has not come (yet).

    ``scan`` is scan.json, ``recorded`` is uploader.json in ``evidence``. Only the first attempt at
    a version has one, which counts for the others: it is the same upload.
    """
    if recorded or not scan or scan.get("attempt", 1) == 1:
        return recorded
    first = scan_id(scan["app"], scan["versionId"])
    return Evidence(evidence.s3, evidence.bucket, first).read("uploader.json")


def attempts(s3: Any, bucket: str, app: str, version: str) -> list[int]:
    """Return the numbers of the attempts at an uploaded version, in order."""
    prefix = evidence_prefix(f"{app}/{version}").removesuffix("/")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/")
    ends = (folder["Prefix"][len(prefix) : -1] for folder in listed.get("CommonPrefixes", []))
    return sorted(int(match[1] or 1) for end in ends if (match := ATTEMPT.fullmatch(end)))


def waiting(s3: Any, state_bucket: str, scan: str) -> Any:
    """Return the request ``{scan, kind, token, sha256, ...}`` of the last wait, None if none.

    ``kind`` is ``decision`` or ``exception`` (to expire, or to be withdrawn); ``sha256`` is that of
    gate-result.json. ``handlers/callback.py`` writes it.
    """
    stored = get_object(s3, state_bucket, waiting_key(scan))
    return stored and stored.document


def waiting_scans(s3: Any, state_bucket: str, start: str) -> list[str]:
    """Return the scans whose ids begin with ``start`` and that have a request, open or not."""
    listed = s3.list_objects_v2(Bucket=state_bucket, Prefix=f"{WAITING}{start}", MaxKeys=100)
    return [waiting_scan(item["Key"]) for item in listed.get("Contents", [])]
