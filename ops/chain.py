"""Whether the evidence of one scan is whole: each piece vouches for the one before it.

``report.json`` names the SHA-256 of the log; ``verdict.json`` those of what was judged;
``decision.json`` that of the verdict; ``withdrawal.json`` that of the decision. Each is written
once.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handlers import report

VOUCHED_BY = {
    "scanner.log": "report.json",
    "scan.json": "verdict.json",
    "report.json": "verdict.json",
    "notification.json": "verdict.json",
    "verdict.json": "decision.json",
    "decision.json": "withdrawal.json",
}
KNOWN = {*VOUCHED_BY, *VOUCHED_BY.values()}
PRESSED = re.compile(r"pressed/[^/]+\.json")
# The tag follows the evidence some seconds later, longer while AWS has a hiccup.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One object: its newest bytes, None where there are none; all its versions and markers."""

    body: bytes | None
    versions: int = 1
    markers: int = 0

    @property
    def digest(self) -> str | None:
        """The SHA-256 in hexadecimal digits."""
        return None if self.body is None else hashlib.sha256(self.body).hexdigest()

    @property
    def document(self) -> Any:
        """The parsed JSON object, None where it is none."""
        try:
            found = json.loads(self.body or b"")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


Files = Mapping[str, Stored]


def findings(scan: str, files: Files) -> Iterator[tuple[str, str]]:
    """Yield ``(file, what is wrong with it)`` for all that is."""
    for name, stored in files.items():
        if name not in KNOWN and not PRESSED.fullmatch(name):
            yield name, "nothing of the pipeline writes such a file"
            continue
        if stored.versions != 1:
            yield name, f"was written {stored.versions} times; the pipeline writes once"
        if stored.markers:
            yield name, "was deleted"
        if name.endswith(".json"):
            if stored.document is None:
                yield name, "is no JSON object"
            elif (about := _about(name, stored.document)) != scan:
                yield name, f"is about another scan: {about}"
    if "scan.json" not in files:
        yield "scan.json", "is missing; every scan begins with it"
    for name, voucher in VOUCHED_BY.items():
        if voucher in files:
            yield from _vouched(name, files.get(name), voucher, files[voucher])
    yield from _sense(scan, files)


def _vouched(
    name: str, stored: Stored | None, voucher: str, by: Stored
) -> Iterator[tuple[str, str]]:
    digests = (by.document or {}).get("evidence")
    if not isinstance(digests, dict):
        # An upload that was never scanned has a report without a log.
        if voucher != "report.json":
            yield voucher, f"does not vouch for {name}"
        return
    said = digests.get(name)
    if stored is None and said:
        yield name, f"is missing; {voucher} vouches for it"
    elif stored is not None and not said:
        yield name, f"{voucher} does not know it: it came later"
    elif stored is not None and stored.digest != said:
        yield name, f"was changed: it is not what {voucher} vouches for"


def _about(name: str, document: dict[str, Any]) -> Any:
    if name != "notification.json":
        return document.get("scan")
    metadata = document.get("metadata")  # the card's form is the chat service's
    context = metadata.get("additionalContext") if isinstance(metadata, dict) else None
    return context.get("Scan") if isinstance(context, dict) else None


def _sense(scan: str, files: Files) -> Iterator[tuple[str, str]]:
    """What no digest shows: pieces that do not follow from each other."""
    verdict, decision, back = (
        _document(files, f"{name}.json") for name in ("verdict", "decision", "withdrawal")
    )
    judged = verdict.get("status") if verdict else None
    if judged in ("passed", "failed"):
        yield from _borne_out(scan, judged, files)
    if decision and judged != "failed":
        yield "decision.json", f"decides about a scan that is {judged or 'not judged'}"
    if back and (decision or {}).get("verdict") != "approved":
        yield "withdrawal.json", "withdraws what was not approved"


def _borne_out(scan: str, judged: str, files: Files) -> Iterator[tuple[str, str]]:
    """Whether the report is one that the pipeline believes, and says what the verdict says."""
    document = _document(files, "report.json")
    gate = (document or {}).get("gate")
    said = gate.get("status") if isinstance(gate, dict) else None
    if said != judged:
        yield "verdict.json", f"says {judged}, but the report says {said or 'nothing of a gate'}"
    elif document.get("scan") == scan:
        try:
            report.read(document, scan)
        except ValueError as error:
            yield "report.json", f"does not bear out that the gate {judged}: {error}"


def standing(files: Files, now: datetime) -> tuple[str | None, set[str | None]]:
    """Return the clearance that follows from the evidence, and what the tag may say for now.

    Raises:
        ValueError, KeyError, TypeError: a document lacks what it must say.
    """
    verdict, decision, back = (
        _document(files, f"{name}.json") for name in ("verdict", "decision", "withdrawal")
    )
    steps: list[tuple[datetime, str | None]] = []
    if verdict:
        steps.append((_moment(verdict["judgedAt"]), verdict["status"]))
    if decision:
        steps.append((_moment(decision["decidedAt"]), decision["verdict"]))
        if decision["verdict"] == "approved":
            if back:
                steps.append((_moment(back["withdrawnAt"]), "withdrawn"))
            else:
                steps.append((_moment(decision["until"]), "expired"))
    status: str | None = None
    allowed: set[str | None] = set()
    for since, follows in steps:
        if since > now:
            break
        if since > now - GRACE:
            allowed.add(status)
        status = follows
    return status, {*allowed, status}


def _document(files: Files, name: str) -> Any:
    return files[name].document if name in files else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
