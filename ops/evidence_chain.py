"""Verifies the evidence of one scan: each document names the SHA-256 of the previous ones.

``report.json`` names the SHA-256 of the log and of ``findings.json``; ``gate-result.json`` those of
``scan.json`` and the report, and of ``uploader.json`` unless that came later; ``decision.json``
that of the gate result, and of the decision that it rests on; ``withdrawal.json`` and each of
``extensions/`` that of the decision, ``approvals/`` that of the gate result. Each is write-once.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain import report, timestamps
from domain.evidence_paths import HASHED_BY, MAY_COME_LATE, NUMBERED, numbered
from domain.scan_id import app_of, scan_id
from ops import approval_checks
from ops.scan_documents import Scan, parsed

KNOWN = {*HASHED_BY, *HASHED_BY.values()}
# Each document of a folder names the SHA-256 of one document.
NAMED_BY = {"approvals": "gate-result.json", "extensions": "decision.json"}
# A scan begins within seconds of its upload; after this time it has not begun at all.
BEGINS = timedelta(minutes=15)
ACTION_FILE = re.compile(r"actions/[^/]+\.json")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One object: its newest bytes, None if deleted; its number of versions and delete markers."""

    body: bytes | None
    versions: int = 1
    markers: int = 0

    @property
    def sha256(self) -> str | None:
        """The SHA-256 in hexadecimal digits."""
        return None if self.body is None else hashlib.sha256(self.body).hexdigest()

    @property
    def document(self) -> Any:
        """The parsed JSON object, None if the body is not one."""
        try:
            document = json.loads(self.body or b"")
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


Files = Mapping[str, Stored]


def documents(scan: str, files: Files) -> Scan:
    """Return the parsed documents of ``scan`` in ``files``."""
    bodies = {name: stored.body for name, stored in files.items() if stored.body is not None}
    return parsed(scan, bodies)


def findings(scan: str, files: Files) -> Iterator[tuple[str, str]]:
    """Yield ``(file, what is wrong with it)`` for each error."""
    scan_documents = documents(scan, files)
    for name, stored in files.items():
        if name not in KNOWN and not any(kind.fullmatch(name) for kind in (ACTION_FILE, NUMBERED)):
            yield name, "nothing of the pipeline writes such a file"
            continue
        if stored.versions != 1:
            yield name, f"was written {stored.versions} times; the pipeline writes once"
        if stored.markers:
            yield name, "was deleted"
        if name in scan_documents.invalid:
            yield name, scan_documents.invalid[name]
    if "scan.json" not in files and not _begins_soon(scan_documents, files):
        yield "scan.json", "is missing; every scan begins with it"
    for name, voucher in HASHED_BY.items():
        if voucher in files:
            yield from _vouched(name, files.get(name), voucher, files[voucher])
    for folder, named in NAMED_BY.items():
        yield from _numbered(folder, named, files)
    if not scan_documents.invalid:
        yield from _sense(scan_documents)
        yield from approval_checks.findings(scan_documents)


def _begins_soon(scan: Scan, files: Files) -> bool:
    """Whether so far only the uploader is recorded, since the scan of the upload begins soon."""
    if files.keys() != {"uploader.json"} or not scan.recorded:
        return False
    return timestamps.now() - timestamps.parse(scan.recorded["uploadedAt"]) < BEGINS


def _numbered(folder: str, named: str, files: Files) -> Iterator[tuple[str, str]]:
    """Each document in ``folder`` vouches for the document ``named``, and none is missing."""
    vouchers = numbered(folder, files)
    for number, voucher in enumerate(vouchers, 1):
        yield from _vouched(named, files.get(named), voucher, files[voucher])
        if voucher != f"{folder}/{number}.json":
            yield f"{folder}/{number}.json", f"is missing; there is {vouchers[-1]}"
            return


def _vouched(
    name: str, stored: Stored | None, voucher: str, by: Stored
) -> Iterator[tuple[str, str]]:
    hashes = (by.document or {}).get("evidence")
    if not isinstance(hashes, dict):
        # An upload that was never scanned has a report without a log.
        if voucher != "report.json":
            yield voucher, f"does not vouch for {name}"
        return
    expected = hashes.get(name)
    if stored is None and expected:
        yield name, f"is missing; {voucher} vouches for it"
    elif stored is not None and not expected and name not in MAY_COME_LATE:
        yield name, f"{voucher} does not know it: it came later"
    elif stored is not None and expected and stored.sha256 != expected:
        yield name, f"was changed: it is not what {voucher} vouches for"


def _sense(scan: Scan) -> Iterator[tuple[str, str]]:
    """Yield contradictions between documents, which their SHA-256 cannot show."""
    evaluated = scan.gate_result["status"] if scan.gate_result else None
    card = scan.gate_result.get("card") if scan.gate_result else None
    if scan.recorded and (wrong := _not_of(scan.recorded, scan)):
        yield "uploader.json", wrong
    if card is not None and (about := _subject(card)) != scan.id:
        yield "gate-result.json", f"its card is about another scan: {about}"
    if evaluated in ("passed", "failed"):
        yield from _borne_out(scan, evaluated)
    if scan.decision and evaluated != "failed":
        yield "decision.json", f"decides about a scan that is {evaluated or 'not evaluated'}"
    if scan.withdrawal and (scan.decision or {}).get("decision") != "approved":
        yield "withdrawal.json", "withdraws what was not approved"


def _not_of(recorded: Mapping[str, Any], scan: Scan) -> str:
    """What is wrong with the upload that uploader.json names; empty if it is this scan's."""
    opened = scan.opened or recorded
    for name in ("bucket", "key", "versionId"):
        if recorded[name] != opened[name]:
            return f"is about another {name}: {recorded[name]}"
    app = opened.get("app", app_of(recorded["key"]))
    if scan.id != scan_id(app, recorded["versionId"]):
        return "is of a further attempt; only the first has one"
    return ""


def _subject(card: Any) -> Any:
    """The id of the scan that a card is about."""
    metadata = card.get("metadata") if isinstance(card, dict) else None
    context = metadata.get("additionalContext") if isinstance(metadata, dict) else None
    return context.get("Scan") if isinstance(context, dict) else None


def _borne_out(scan: Scan, evaluated: str) -> Iterator[tuple[str, str]]:
    """Yield an error if the report is invalid, or its status is not that of the gate result."""
    gate = (scan.report or {}).get("gate")
    reported = gate.get("status") if isinstance(gate, dict) else None
    if reported != evaluated:
        yield (
            "gate-result.json",
            f"says {evaluated}, but the report says {reported or 'nothing of a gate'}",
        )
        return
    try:
        report.read(scan.report, scan.id)
    except ValueError as error:
        yield "report.json", f"does not bear out that the gate {evaluated}: {error}"
