"""Reads what card and email of an outcome say besides its decision: who, until when, what else."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from domain import approvers, four_eyes, quorum, timestamps
from domain.approvals import Documents, Validity
from domain.approvers import Person
from domain.json_values import as_dict
from domain.uploader import Uploader
from handlers import parallel, resting
from handlers.evidence import Evidence
from handlers.outcome import Context
from handlers.scan_result import key_of, name_of, version_of

# Versions that rest on an exception: how many are named, and how many are read.
NAMED, READ = 5, 100
# Events of an exception that concern the versions that rest on it, too.
OF_THE_EXCEPTION = ("extended", "expiring", "approval-expired", "withdrawn")


class Circumstances(NamedTuple):
    """The documents of a scan, and those of ``root``, the exception that it rests on, if it does.

    ``names`` are those of all documents of the scan; ``validity`` is what follows from them.
    """

    evidence: Evidence
    names: Sequence[str]
    own: Documents
    root: Documents | None
    validity: Validity

    @property
    def exception(self) -> Evidence:
        """The evidence of the scan that people approved: its own, or that which it rests on."""
        root = self.evidence.root(self.own.decision) if self.own.decision else None
        return root or self.evidence

    @property
    def withdrawal(self) -> Mapping[str, Any] | None:
        """Its withdrawal, or else that of the exception that it rests on."""
        return self.own.withdrawal or (self.root and self.root.withdrawal)

    @property
    def extension(self) -> Mapping[str, Any] | None:
        """The extension by which the approval ends when it ends, None if it was not extended."""
        ends = self.validity.ends
        matches = (one for one in self.own.extensions if timestamps.parse(one["expiresAt"]) == ends)
        return next(matches, None)


def people(event: str, about: Circumstances) -> list[Person]:
    """Return who did what ``event`` is about, or may have; empty if that is not recorded."""
    evidence, decision, extension = about.evidence, about.own.decision, about.extension
    if event == "extended" and extension:
        at = extension["extendedAt"]
        return approvers.matching(evidence, "extend", extension["reason"], at)
    if event == "withdrawn" and (withdrawal := about.withdrawal):
        by = evidence if about.own.withdrawal else about.exception
        at = withdrawal["withdrawnAt"]
        is_by_people = "rule" not in withdrawal
        return approvers.matching(by, "withdraw", withdrawal["reason"], at) if is_by_people else []
    if decision and decision["decision"] == "rejected":
        at = decision["decidedAt"]
        return approvers.matching(evidence, "reject", decision["reason"], at)
    if decision and decision["decision"] == "approved":
        approved = about.root.decision if about.root else decision
        return approvers.of_approval(about.exception, approved or decision)
    return []


def approvals_so_far(
    about: Circumstances, uploader: Uploader, known_as: Mapping[str, str], *, refuse: bool
) -> list[quorum.Approval]:
    """Return who has approved, where one is not enough; with ``refuse`` without the uploader."""
    clicks = about.evidence.clicks(about.names)
    actions = about.evidence.all("actions")
    if refuse:
        actions = four_eyes.of_others(actions, uploader, known_as)
    return quorum.approvals(clicks, actions, known_as)


def context(event: str, about: Circumstances, bucket: str, *, covers: bool) -> Context:
    """Return what the texts about ``event`` need; ``bucket`` is the state bucket."""
    ends, decision, root = about.validity.ends, about.own.decision, about.exception
    if not decision or not ends:
        return Context(covers=covers)
    return Context(
        ends=timestamps.iso(ends),
        root=name_of(root.scan, key_of(root)) if about.root else "",
        covers=covers,
        resting=""
        if about.root or event not in OF_THE_EXCEPTION
        else _resting(about.evidence, bucket),
        extension=about.extension,
    )


def _resting(root: Evidence, bucket: str) -> str:
    """The versions that rest on ``root``, the newest first; empty if none does."""

    def decided(scan: str) -> tuple[str, str]:
        evidence = Evidence(root.s3, root.bucket, scan)
        decision = as_dict(evidence.read("decision.json"))
        rests = as_dict(decision.get("restsOn")).get("scan") == root.scan
        if not rests or evidence.get("withdrawal.json"):
            return ("", scan)
        return (decision["decidedAt"], scan)

    marked = islice(resting.scans(root.s3, bucket, root.scan), READ)
    scans = [scan for at, scan in sorted(parallel.map_all(decided, marked), reverse=True) if at]
    more = f" and {len(scans) - NAMED} more" if len(scans) > NAMED else ""
    return f"{', '.join(map(version_of, scans[:NAMED]))}{more}"
