"""Reads the evidence of scans from the artifacts bucket."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from domain import approvers, findings_document, report, timestamps, uploader
from domain.evidence_paths import SCANS, evidence_key, evidence_prefix, schema_of
from domain.scan_id import APP, ATTEMPT, SCAN_ID, scan_id
from domain.stored_objects import error_code
from domain.uploader import Uploader
from ops.documents import InvalidDocument, longest, parse
from ops.errors import CommandError
from ops.invocation import CHATOPS
from ops.stack import Stack

VERBS = {"approved": "approve", "rejected": "reject"}
OF_THE_SCAN = {"report.json", findings_document.NAME}
_SHA256 = re.compile("[0-9a-f]{64}")
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


def is_document(name: str) -> bool:
    """Whether ``name`` is a document that is parsed here, unlike the scanner's log."""
    return schema_of(name) is not None


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The documents of one scan, None for those that do not exist; ``actions`` is actions/*.

    ``opened`` is scan.json; ``recorded`` is uploader.json, for a further attempt that of the first.
    ``invalid`` maps the names of invalid documents to what is wrong; these are None here, too.
    """

    id: str
    opened: Mapping[str, Any] | None = None
    recorded: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = None
    gate_result: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None
    withdrawal: Mapping[str, Any] | None = None
    actions: list[Any] = field(default_factory=list)
    invalid: Mapping[str, str] = field(default_factory=dict)

    @property
    def invalid_evidence(self) -> str:
        """What is wrong with the scan's evidence, in one line; empty if it is valid.

        Errors in what the scan wrote are not included: it is untrusted, and its readers handle an
        invalid document themselves.
        """
        errors = {name: error for name, error in self.invalid.items() if name not in OF_THE_SCAN}
        return "; ".join(f"{name} {error}" for name, error in errors.items())

    @property
    def scanned_sha256(self) -> str | None:
        """The SHA-256 of the scanned zip, None if there is no report that says it."""
        upload = (self.report or {}).get("upload")
        sha256 = upload.get("sha256") if isinstance(upload, dict) else None
        return sha256 if isinstance(sha256, str) and _SHA256.fullmatch(sha256) else None

    def all(self, folder: str) -> list[Any]:
        """The records in ``folder``, for ``domain.approvers``."""
        return self.actions if folder == "actions" else []

    @property
    def uploader(self) -> Uploader:
        """Who uploaded, as far as known."""
        return uploader.of(self.recorded, report.parse(self.report, self.id))

    @property
    def decided_by(self) -> str:
        """Who approved or rejected, as far as known; empty if no person decided."""
        decision = self.decision or {}
        verb = VERBS.get(decision.get("decision", ""))
        return self._by(verb, decision["reason"], decision["decidedAt"]) if verb else ""

    @property
    def withdrawn_by(self) -> str:
        """Who withdrew the approval, as far as known; empty if nobody did."""
        back = self.withdrawal
        return self._by("withdraw", back["reason"], back["withdrawnAt"]) if back else ""

    def _by(self, verb: str, reason: str, at: str) -> str:
        return " or ".join(map(str, approvers.matching(self, verb, reason, at))) or "the channel"

    def explanation(self, status: str | None) -> str:
        """Return in one line why the version's tag says ``status``."""
        decision, back = self.decision, self.withdrawal
        if status == "withdrawn" and back:
            when = timestamps.minute(back["withdrawnAt"])
            return f"withdrawn by {self.withdrawn_by} on {when}, because: {back['reason']}"
        if status in VERBS and decision and decision["decision"] == status:
            summary = (
                f"{status} by {self.decided_by} on {timestamps.minute(decision['decidedAt'])}, "
                f"because: {decision['reason']}"
            )
            until = decision.get("expiresAt")
            return f"{summary} (until {timestamps.minute(until)})" if until else summary
        if status == "approval-expired" and decision:
            return f"its approval expired on {timestamps.minute(decision['expiresAt'])}"
        if status == "request-expired":
            return "it failed its quality gate, and the request expired"
        if status == "superseded" and decision:
            return f"superseded: {decision['reason']}"
        if status in ("failed", "error") and self.gate_result:
            doing = "; it waits for a decision" if status == "failed" else ""
            return f"{status}: {self.gate_result['reason']}{doing}"
        if status is None:
            return "it is being scanned" if self.opened else "its scan has not begun"
        return str(status)


def parsed(scan: str, bodies: Mapping[str, bytes]) -> Scan:
    """Return the parsed documents of ``scan``; other files are ignored."""
    documents: dict[str, dict[str, Any]] = {}
    invalid: dict[str, str] = {}
    for name in filter(is_document, bodies):
        try:
            documents[name] = parse(name, bodies[name], scan)
        except InvalidDocument as error:
            invalid[name] = str(error)
    return Scan(
        id=scan,
        opened=documents.get("scan.json"),
        recorded=documents.get("uploader.json"),
        report=documents.get("report.json"),
        gate_result=documents.get("gate-result.json"),
        decision=documents.get("decision.json"),
        withdrawal=documents.get("withdrawal.json"),
        actions=[document for name, document in documents.items() if name.startswith("actions/")],
        invalid=invalid,
    )


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
        whole = self._parsed(scan, names)
        opened = whole.opened
        if not opened or (opened.get("attempt") or 1) == 1:
            return whole
        first = self._parsed(scan_id(opened["app"], opened["versionId"]), ["uploader.json"])
        return replace(whole, recorded=first.recorded)

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
