"""The documents of one scan, and what they say."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain import approvals, approvers, findings_document, four_eyes, report, timestamps, uploader
from domain.approvals import Documents, Validity
from domain.approvers import Person
from domain.evidence_paths import numbered, schema_of
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
    ``extensions`` and ``approvals`` are the numbered documents in their order. ``root`` is the scan
    on whose exception the approval of this one rests, without a root of its own; None if there is
    none. ``invalid`` maps the names of invalid documents to what is wrong; these are None here,
    too. ``sha256`` has the SHA-256 of each document.
    """

    id: str
    opened: Mapping[str, Any] | None = None
    recorded: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = None
    gate_result: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None
    withdrawal: Mapping[str, Any] | None = None
    extensions: Sequence[Mapping[str, Any]] = ()
    approvals: Sequence[Mapping[str, Any]] = ()
    actions: list[Any] = field(default_factory=list)
    root: "Scan | None" = None
    invalid: Mapping[str, str] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def invalid_evidence(self) -> str:
        """What is wrong with the scan's evidence, in one line; empty if it is valid.

        Errors in what the scan wrote are not included: it is untrusted, and its readers handle an
        invalid document themselves.
        """
        errors = {name: error for name, error in self.invalid.items() if name not in OF_THE_SCAN}
        if not errors and (wrong := self.wrong_root):
            errors = {"decision.json": wrong}
        return "; ".join(f"{name} {error}" for name, error in errors.items())

    @property
    def rests_on(self) -> str:
        """The id of the scan on whose exception the approval rests; empty if people approved it."""
        return ((self.decision or {}).get("restsOn") or {}).get("scan", "")

    @property
    def wrong_root(self) -> str:
        """Why the approval cannot rest on what decision.json names; empty if it can."""
        if not self.rests_on:
            return ""
        root, named = self.root, f"rests on {self.rests_on}"
        if self.rests_on.partition("/")[0] != self.id.partition("/")[0]:
            return f"{named}, which is of another app"
        if not root or not (root.decision or root.invalid):
            return f"{named}, about which nothing was decided"
        if root.decision and not approvals.is_by_people(root.decision):
            return f"{named}, which people did not approve"
        if root.invalid_evidence:
            return f"{named}, whose evidence is not as the pipeline writes it"
        decision = self.decision or {}
        if root.sha256.get("decision.json") != decision["restsOn"]["decision.json"]:
            return f"{named}, whose decision was changed since"
        return ""

    @property
    def scanned_sha256(self) -> str | None:
        """The SHA-256 of the scanned zip, None if there is no report that says it."""
        upload = (self.report or {}).get("upload")
        sha256 = upload.get("sha256") if isinstance(upload, dict) else None
        return sha256 if isinstance(sha256, str) and _SHA256.fullmatch(sha256) else None

    def validity(self, now: datetime) -> Validity:
        """What holds of the decision at ``now``, by all that exists."""
        root = self.root if self.rests_on else None
        return approvals.validity(self.documents, root and root.documents, now)

    @property
    def documents(self) -> Documents:
        """The decision and what followed."""
        return Documents(self.decision, self.withdrawal, self.extensions)

    @property
    def withdrawn(self) -> Mapping[str, Any] | None:
        """withdrawal.json, else that of the exception that it rests on; dates may be any."""
        under = self.root.withdrawal if self.rests_on and self.root else None
        return self.withdrawal or under

    @property
    def extended(self) -> Sequence[Mapping[str, Any]]:
        """The extensions that count: of an approval that rests on another, those of that."""
        return self.root.extensions if self.rests_on and self.root else self.extensions

    @property
    def expires(self) -> str:
        """When the approval ends, with its extensions; empty if there is no approval."""
        ends = self.validity(timestamps.now()).ends
        return timestamps.iso(ends) if ends else ""

    def all(self, folder: str) -> list[Any]:
        """The records in ``folder``, for ``domain.approvers``."""
        return self.actions if folder == "actions" else []

    @property
    def uploader(self) -> Uploader:
        """Who uploaded, as far as known."""
        return uploader.of(self.recorded, report.parse(self.report, self.id))

    @property
    def deciders(self) -> list[Person]:
        """Who approved or rejected, as far as known; empty if no person decided, or nobody knows.

        Of an approval that rests on another, those who approved that. Where one person sufficed,
        several people are those of whom one decided.
        """
        if self.rests_on:
            return self.root.deciders if self.root else []
        decision = self.decision or {}
        if people := decision.get("approvals"):
            return [*map(approvers.person_of, people)]
        verb = VERBS.get(decision.get("decision", ""))
        if not verb:
            return []
        return approvers.matching(self, verb, decision["reason"], decision["decidedAt"])

    @property
    def decided_by(self) -> str:
        """``deciders`` as text; empty if no person decided."""
        decision = (self.root or self).decision if self.rests_on else self.decision
        if not decision or decision["decision"] not in VERBS:
            return ""
        return names(self.deciders, " and " if "approvals" in decision else " or ")

    @property
    def approver_count(self) -> int | None:
        """How many people approved, also where nobody knows who; None if it is no approval."""
        decision = (self.root or self).decision if self.rests_on else self.decision
        if not decision or decision["decision"] != "approved":
            return None
        return len(decision.get("approvals", ())) or 1

    @property
    def withdrawn_by(self) -> str:
        """Who withdrew the approval, as far as known; empty if nobody did."""
        back = self.withdrawal
        if not back:
            return self.root.withdrawn_by if self.rests_on and self.root else ""
        if "rule" in back:
            return "the pipeline"
        return names(approvers.matching(self, "withdraw", back["reason"], back["withdrawnAt"]))

    @property
    def extenders(self) -> list[Person]:
        """Who extended the approval, as far as known, in the order of the extensions."""
        if self.rests_on:
            return self.root.extenders if self.root else []
        people = {
            person.user: person
            for extension in self.extensions
            for person in approvers.matching(
                self, "extend", extension["reason"], extension["extendedAt"]
            )
        }
        return [*people.values()]

    @property
    def extended_by(self) -> str:
        """``extenders`` as text; empty if nobody extended it."""
        return names(self.extenders, ", ") if self.extended else ""

    def is_self_approved(self, people: Mapping[str, str]) -> bool:
        """Whether who uploaded approved it or extended that; ``people`` is the setting."""
        if (self.decision or {}).get("decision") != "approved":
            return False
        clicked = [*self.deciders, *self.extenders]
        return any(four_eyes.is_uploader(person, self.uploader, people) for person in clicked)

    def explanation(self, status: str | None) -> str:
        """Return in one line why the version's tag says ``status``."""
        decision = self.decision
        if status == "withdrawn" and (why := self._withdrawn()):
            return why
        if status in VERBS and decision and decision["decision"] == status:
            return self._decided(decision)
        if status == "approval-expired" and decision:
            return f"its approval expired on {timestamps.minute(self.expires)}"
        if status == "request-expired":
            return "it failed its quality gate, and the request expired"
        if status == "superseded" and decision:
            return f"superseded: {decision['reason']}"
        if status in ("failed", "error") and self.gate_result:
            doing = f"; {self._waits}" if status == "failed" else ""
            return f"{status}: {self.gate_result['reason']}{doing}"
        if status is None:
            return "it is being scanned" if self.opened else "its scan has not begun"
        return str(status)

    @property
    def covered_by(self) -> str:
        """The scan whose exception covers a failed gate, by the gate result; empty if none does."""
        return (self.gate_result or {}).get("restsOn", "")

    @property
    def _waits(self) -> str:
        if self.covered_by:
            return f"the exception of {self.covered_by} covers it"
        return "it waits for another approval" if self.approvals else "it waits for a decision"

    def _withdrawn(self) -> str:
        back = self.withdrawn
        if not back:
            return ""
        what = (
            "" if self.withdrawal else f"the exception of {self.rests_on}, on which it rests, was "
        )
        when = timestamps.minute(back["withdrawnAt"])
        return f"{what}withdrawn by {self.withdrawn_by} on {when}, because: {back['reason']}"

    @property
    def _root_was(self) -> str:
        return f"the exception of {self.rests_on}, on which it rests, was "

    def _decided(self, decision: Mapping[str, Any]) -> str:
        under = f" under the exception of {self.rests_on}," if self.rests_on else ""
        summary = (
            f"{decision['decision']}{under} by {self.decided_by} on "
            f"{timestamps.minute(decision['decidedAt'])}, because: {decision['reason']}"
        )
        if self.extended:
            summary += f"; extended, because: {self.extended[-1]['reason']}"
        return f"{summary} (until {timestamps.minute(self.expires)})" if self.expires else summary


def names(people: Sequence[Person], between: str = " or ") -> str:
    """The people as text; the channel, if nobody is known."""
    return between.join(map(str, people)) or "the channel"


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
        extensions=[documents[name] for name in numbered("extensions", documents)],
        approvals=[documents[name] for name in numbered("approvals", documents)],
        actions=[document for name, document in documents.items() if name.startswith("actions/")],
        invalid=invalid,
        sha256={name: hashlib.sha256(bodies[name]).hexdigest() for name in documents},
    )
