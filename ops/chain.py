"""Whether the evidence of one scan is whole: each piece vouches for the one before it.

``report.json`` names the SHA-256 of the log; ``gate-result.json`` those of what was judged;
``decision.json`` that of the verdict; ``withdrawal.json`` that of the decision. Each is written
once.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain import report
from domain.evidence_paths import VOUCHED_BY
from ops.evidence import Scan, parsed

KNOWN = {*VOUCHED_BY, *VOUCHED_BY.values()}
PRESSED = re.compile(r"actions/[^/]+\.json")


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


def documents(scan: str, files: Files) -> Scan:
    """Return what ``files`` say of ``scan``."""
    found = {name: stored.body for name, stored in files.items() if stored.body is not None}
    return parsed(scan, found)


def findings(scan: str, files: Files) -> Iterator[tuple[str, str]]:
    """Yield ``(file, what is wrong with it)`` for all that is."""
    told = documents(scan, files)
    for name, stored in files.items():
        if name not in KNOWN and not PRESSED.fullmatch(name):
            yield name, "nothing of the pipeline writes such a file"
            continue
        if stored.versions != 1:
            yield name, f"was written {stored.versions} times; the pipeline writes once"
        if stored.markers:
            yield name, "was deleted"
        if name in told.odd:
            yield name, told.odd[name]
    if "scan.json" not in files:
        yield "scan.json", "is missing; every scan begins with it"
    for name, voucher in VOUCHED_BY.items():
        if voucher in files:
            yield from _vouched(name, files.get(name), voucher, files[voucher])
    if not told.odd:
        yield from _sense(told)


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


def _sense(scan: Scan) -> Iterator[tuple[str, str]]:
    """What no digest shows: pieces that do not follow from each other."""
    judged = scan.gate_result["status"] if scan.gate_result else None
    card = scan.gate_result.get("card") if scan.gate_result else None
    if card is not None and (about := _subject(card)) != scan.id:
        yield "gate-result.json", f"its card is about another scan: {about}"
    if judged in ("passed", "failed"):
        yield from _borne_out(scan, judged)
    if scan.decision and judged != "failed":
        yield "decision.json", f"decides about a scan that is {judged or 'not judged'}"
    if scan.withdrawal and (scan.decision or {}).get("decision") != "approved":
        yield "withdrawal.json", "withdraws what was not approved"


def _subject(card: Any) -> Any:
    """Which scan a card is about; its form is the chat service's."""
    metadata = card.get("metadata") if isinstance(card, dict) else None
    context = metadata.get("additionalContext") if isinstance(metadata, dict) else None
    return context.get("Scan") if isinstance(context, dict) else None


def _borne_out(scan: Scan, judged: str) -> Iterator[tuple[str, str]]:
    """Whether the report is one that the pipeline believes, and says what the verdict says."""
    gate = (scan.report or {}).get("gate")
    said = gate.get("status") if isinstance(gate, dict) else None
    if said != judged:
        yield (
            "gate-result.json",
            f"says {judged}, but the report says {said or 'nothing of a gate'}",
        )
        return
    try:
        report.read(scan.report, scan.id)
    except ValueError as error:
        yield "report.json", f"does not bear out that the gate {judged}: {error}"
