"""The documents of one scan, and what they say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain import approvers, findings_document, report, timestamps, uploader
from domain.evidence_paths import schema_of
from domain.uploader import Uploader
from ops.documents import InvalidDocument, parse

VERBS = {"approved": "approve", "rejected": "reject"}
OF_THE_SCAN = {"report.json", findings_document.NAME}
_SHA256 = re.compile("[0-9a-f]{64}")


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
