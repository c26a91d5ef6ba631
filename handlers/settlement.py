"""Settles what the evidence of a scan says, and writes what the pipeline itself decides by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from domain import approvals, approvers, decisions, four_eyes, quorum, report, timestamps, uploader
from domain.approvals import Documents
from domain.approvers import Person
from handlers import parallel, versions
from handlers.evidence import Evidence, uploader_of

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Settings: how many people must approve, what follows if one uploaded, and as whom."""

    approvals: int
    self_approval: str
    people: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """``status`` is ``open``, ``approved``, ``withdrawn`` or another decision.

    ``ends`` is when an approval ends, None for others; ``approvals`` is how many people have
    approved so far, where one is not enough; ``is_exception`` whether others may rest on it.
    """

    status: str
    ends: datetime | None = None
    approvals: int = 0
    is_exception: bool = False

    @property
    def answer(self) -> dict[str, Any]:
        """The response to the state machine, which compares ``expiresAt`` with its own clock."""
        ends = {"expiresAt": timestamps.iso(self.ends)} if self.ends else {}
        return {"status": self.status, **ends, "approvals": self.approvals}


def settle(evidence: Evidence, sha256: str, rules: Rules, *, expired: bool = False) -> Settled:
    """Return what holds, after writing what follows from the evidence.

    That is decision.json for a request that is superseded, approved by as many people as must, or
    ``expired``; and withdrawal.json for an approval by who uploaded, if that is refused.
    ``sha256`` is that of gate-result.json. It is idempotent; errors of S3 are raised.
    """
    stored, names = parallel.both(partial(evidence.get, "decision.json"), evidence.names)
    if stored is None:
        people = _approvals(evidence, names, rules)
        if not (decision := _decision(evidence, sha256, names, people, rules, expired=expired)):
            return Settled(status="open", approvals=len(people))
        stored = evidence.put_if_absent("decision.json", decision)
    decision = stored.document
    if decision["decision"] != "approved":
        return Settled(status=decision["decision"])
    own, root = evidence.documents(decision, names), evidence.root_documents(decision)
    now = timestamps.now()
    validity = approvals.validity(own, root, now)
    # What is over stays over in the way that its tag says.
    refuses = rules.self_approval == "refuse" and validity.status == "approved"
    if refuses and (person := _self_approver(evidence, root or own, rules)):
        taken_back = decisions.self_approval(evidence.scan, stored.sha256, now, str(person))
        written = evidence.put_if_absent("withdrawal.json", taken_back)
        validity = approvals.validity(own._replace(withdrawal=written.document), root, now)
    return Settled(
        status="withdrawn" if validity.status == "withdrawn" else "approved",
        ends=validity.ends,
        is_exception=validity.status == "approved" and root is None,
    )


def _decision(
    evidence: Evidence,
    sha256: str,
    names: Sequence[str],
    people: Sequence[quorum.Approval],
    rules: Rules,
    *,
    expired: bool,
) -> Document | None:
    """Return the decision that the pipeline makes by itself about an open request, if any."""
    scan, now = evidence.read("scan.json"), timestamps.now()
    if scan and (newest := versions.newer(evidence.s3, scan)):
        return decisions.superseded(evidence.scan, sha256, now, newest)
    if len(people) >= rules.approvals > 1:
        return _approved(evidence, sha256, now, people[: rules.approvals], names)
    return decisions.request_expired(evidence.scan, sha256, now) if expired else None


def _approved(
    evidence: Evidence,
    sha256: str,
    now: datetime,
    people: Sequence[quorum.Approval],
    names: Sequence[str],
) -> Document:
    """Return the decision of several people: their reasons, for the shortest period of all clicks.

    Whose click is whose can be uncertain, and be known in any order; of all clicks the shortest
    period is none that one of these people did not agree to.
    """
    shortest = min(click["seconds"] for click in evidence.clicks(names))
    reasons = dict.fromkeys(approval.click["reason"] for approval in people)
    return decisions.decision(
        evidence.scan,
        sha256,
        now,
        decision="approved",
        reason=" / ".join(reasons),
        expires_at=now + timedelta(seconds=shortest),
        approvals=[
            {
                "user": approval.person.user,
                **({"userName": approval.person.name} if approval.person.name else {}),
                "reason": approval.click["reason"],
                "approvedAt": approval.click["approvedAt"],
            }
            for approval in people
        ],
    )


def _approvals(evidence: Evidence, names: Sequence[str], rules: Rules) -> list[quorum.Approval]:
    """Return the different people who are known to have approved, where one is not enough."""
    clicks = evidence.clicks(names) if rules.approvals > 1 else []
    if not clicks:
        return []
    actions = evidence.all("actions")
    if rules.self_approval == "refuse":
        actions = four_eyes.of_others(actions, _uploader(evidence), rules.people)
    return quorum.approvals(clicks, actions, rules.people)


def _self_approver(evidence: Evidence, documents: Documents, rules: Rules) -> Person | None:
    """Return who approved or extended, if that is known to be who uploaded what ``evidence`` has.

    ``documents`` are those of the approval by people that its own is, or rests on.
    """
    decision = documents.decision
    if not decision or not approvals.is_by_people(decision):
        return None
    approved = Evidence(evidence.s3, evidence.bucket, decision["scan"])
    actions = _Actions(approved.all("actions"))
    people = [*map(approvers.person_of, decision.get("approvals", ()))] or approvers.matching(
        actions, "approve", decision["reason"], decision["decidedAt"]
    )[:1]
    for extension in documents.extensions:
        at = extension["extendedAt"]
        people += approvers.matching(actions, "extend", extension["reason"], at)[:1]
    uploaded_by = _uploader(evidence)
    uploaders = (one for one in people if four_eyes.is_uploader(one, uploaded_by, rules.people))
    return next(uploaders, None)


class _Actions(NamedTuple):
    """The documents of ``actions/``, read once."""

    records: list[Any]

    def all(self, folder: str) -> list[Any]:
        return self.records


def _uploader(evidence: Evidence) -> uploader.Uploader:
    scan, recorded, left = evidence.read_each("scan.json", "uploader.json", "report.json")
    parsed_report = report.parse(left, evidence.scan)
    return uploader.of(uploader_of(evidence, scan, recorded), parsed_report)
