"""Reads the evidence of scans from the artifacts bucket."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from domain import findings_document
from domain.evidence_paths import SCANS, evidence_key, evidence_prefix
from domain.scan_id import APP, ATTEMPT, SCAN_ID, scan_id
from domain.stored_objects import error_code
from ops.documents import InvalidDocument, longest, parse
from ops.errors import CommandError
from ops.invocation import CHATOPS
from ops.scan_documents import Scan, is_document, parsed
from ops.stack import Stack

# The names of a scan's files, and when S3 stored each.
Files = Mapping[str, datetime]
Attempts = Mapping[int, tuple[str, Files]]


def checked_app(app: str) -> str:
    """Return ``app``; raise ``CommandError`` if it is not a valid name."""
    if not APP.fullmatch(app):
        raise CommandError(
            f"{app!r} is no app's name", "it is the first part of the key: payments/api.zip"
        )
    return app


def checked_scan(scan: str) -> str:
    """Return ``scan``; raise ``CommandError`` if it is not a valid scan id."""
    if not SCAN_ID.fullmatch(scan):
        raise CommandError(
            f"{scan!r} is no scan's id", "it is APP/VERSION-ID, as the card and the email show it"
        )
    return scan


class Evidence:
    """All evidence of an environment."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._s3 = stack, stack.client("s3")
        self._bucket = stack["artifactsBucket"]

    def scans(self, prefix: str = SCANS) -> Iterator[tuple[str, Files]]:
        """Yield each scan under ``prefix`` with its files."""
        pages = self._s3.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self._bucket, Prefix=prefix)
        objects = (
            (item["Key"].split("/", 3), item["LastModified"])
            for page in listed
            for item in page.get("Contents", [])
        )
        whole = ((parts, stored) for parts, stored in objects if len(parts) == 4)
        for scan, files in groupby(whole, key=lambda item: "/".join(item[0][1:3])):
            yield scan, {parts[3]: stored for parts, stored in files}

    def scan(self, scan: str) -> Scan:
        """Return all documents of ``scan``."""
        _, names = next(self.scans(evidence_prefix(scan)), (scan, {}))
        return self.documents(scan, names)

    def documents(self, scan: str, names: Iterable[str]) -> Scan:
        """Return the documents of ``scan`` with these file names."""
        whole = self.with_root(self._parsed(scan, names))
        opened = whole.opened
        if not opened or (opened.get("attempt") or 1) == 1:
            return whole
        first = self._parsed(scan_id(opened["app"], opened["versionId"]), ["uploader.json"])
        return replace(whole, recorded=first.recorded)

    def with_root(self, scan: Scan) -> Scan:
        """Return ``scan`` with the documents of the one on whose exception its approval rests."""
        # Who may read the evidence of one app may not read that of others.
        if not scan.rests_on or scan.rests_on.partition("/")[0] != scan.id.partition("/")[0]:
            return scan
        _, names = next(self.scans(evidence_prefix(scan.rests_on)), ("", {}))
        return replace(scan, root=self._parsed(scan.rests_on, names))

    def _parsed(self, scan: str, names: Iterable[str]) -> Scan:
        # All findings are read only by who asks for them: they are large.
        wanted = (name for name in filter(is_document, names) if name != findings_document.NAME)
        bodies = {name: self._body(scan, name) for name in wanted}
        return parsed(scan, {name: body for name, body in bodies.items() if body is not None})

    def findings(self, scan: Scan) -> dict[str, Any] | None:
        """Return findings.json, None if the report names none, or it is not valid."""
        evidence = (scan.report or {}).get("evidence")
        if not isinstance(evidence, dict) or findings_document.NAME not in evidence:
            return None
        try:
            return self.read(scan.id, findings_document.NAME)
        except CommandError:
            return None

    def attempts(self, app: str, version: str) -> Attempts:
        """Return the scans of an uploaded version by attempt, each with its files."""
        start = f"{app}/{version}"
        return {
            int(match[1] or 1): (scan, files)
            for scan, files in self.scans(SCANS + start)
            if (match := ATTEMPT.fullmatch(scan.removeprefix(start)))
        }

    def last_evaluated(self, app: str, version: str) -> Scan:
        """Return the scan of an uploaded version that determines its clearance.

        It is the last one with a gate result; without any gate result, it is the last one.
        """
        attempts = self.attempts(app, version)
        if not attempts:
            return Scan(id=f"{app}/{version}")
        return self.documents(*attempts[max(evaluated(attempts) or attempts)])

    def read(self, scan: str, name: str) -> dict[str, Any] | None:
        """Return the document ``name``, None if it does not exist.

        Raises:
            CommandError: it is not as the pipeline writes it.
        """
        body = self._body(scan, name)
        try:
            return None if body is None else parse(name, body, scan)
        except InvalidDocument as what:
            fix = f"{CHATOPS} verify {scan} {self._stack.option}"
            raise CommandError(f"{name} of {scan} {what}", fix) from what

    def _body(self, scan: str, name: str) -> bytes | None:
        return body(self._s3, self._bucket, evidence_key(scan, name), longest(name))


def evaluated(attempts: Attempts) -> list[int]:
    """The numbers of the attempts that have a gate result."""
    return [number for number, (_, files) in attempts.items() if "gate-result.json" in files]


def body(s3: Any, bucket: str, key: str, limit: int) -> bytes | None:
    """Return the object, at most ``limit`` + 1 bytes; None if it does not exist."""
    try:
        stream = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            return None
        raise
    start = stream.read(limit + 1)
    # botocore reports an incomplete response only when it is read to the end.
    return start if len(start) > limit else start + stream.read()
