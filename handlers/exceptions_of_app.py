"""Finds the exceptions of an app that are valid, and the one that covers a failed version."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from domain import approvals, approvers, changes, exceptions
from domain.approvals import Documents
from domain.approvers import Person
from domain.evidence_paths import numbered
from domain.findings_document import AllFindings
from domain.json_values import as_dict
from domain.report import Report
from domain.stored_objects import StoredObject
from handlers import scan_result
from handlers.evidence import Evidence
from handlers.scan_result import ScanResult

# Exceptions of an app whose findings are read; an app usually has one that is valid.
MOST = 10


class Valid(NamedTuple):
    """An approval by people that is valid until ``ends``; ``decision`` is decision.json."""

    evidence: Evidence
    decision: StoredObject
    ends: datetime


class Match(NamedTuple):
    """A valid exception that has some of a scan's findings and unanalysed files.

    ``uncovered`` are sentences why it does not cover the scan, none if it does; None where
    exceptions cover no findings.
    """

    exception: Valid
    result: ScanResult
    people: Sequence[Person]
    findings: int
    files: int
    uncovered: Sequence[str] | None

    @property
    def covers(self) -> bool:
        """Whether the version is approved under the exception."""
        return self.uncovered is not None and not self.uncovered


def valid(evidence: Evidence, now: datetime) -> Valid | None:
    """Return the approval of a scan if people made it and it is valid at ``now``.

    The documents are read one after the other, so that several scans can be read in parallel.
    """
    decision = evidence.get("decision.json")
    if decision is None or not approvals.is_by_people(decision.document):
        return None
    names = evidence.names()
    followed = Documents(
        decision.document,
        evidence.read("withdrawal.json") if "withdrawal.json" in names else None,
        [evidence.read(name) for name in numbered("extensions", names)],
    )
    validity = approvals.validity(followed, None, now)
    if validity.status != "approved" or validity.ends is None:
        return None
    return Valid(evidence, decision, validity.ends)


def best(
    approvals_of_app: Sequence[Valid],
    report: Report,
    findings: AllFindings | None,
    refused: Callable[[Sequence[Person]], Sequence[str]] | None = None,
) -> Match | None:
    """Return the newest exception that covers a scan, else the newest that has some of it.

    ``refused`` returns why what people approved may not cover it; None: no exception may.
    """
    first: Match | None = None
    if findings is None:
        return None
    for exception in approvals_of_app[:MOST]:
        match = _match(exception, report, findings, refused)
        if match and match.covers:
            return match
        first = first or match
        if first and refused is None:
            break
    return first


def _match(
    exception: Valid,
    report: Report,
    findings: AllFindings,
    refused: Callable[[Sequence[Person]], Sequence[str]] | None,
) -> Match | None:
    result = scan_result.read(exception.evidence)
    named = as_dict(exception.decision.document["evidence"]).get("gate-result.json")
    if result is None or result.sha256 != named or result.gate_result["status"] != "failed":
        return None
    if result.gate_result.get("buildFailed"):
        return None
    same = changes.compare(result.findings, findings)
    uncovered = (
        None
        if refused is None
        else exceptions.not_covered(report, findings, result.report, result.findings)
    )
    if not same.known and not same.known_files and uncovered != []:
        return None
    people = approvers.of_approval(exception.evidence, exception.decision.document)
    if refused and not uncovered:
        uncovered = refused(people)
    return Match(
        exception=exception,
        result=result,
        people=people,
        findings=len(same.known),
        files=sum(entry.files for entry in same.known_files),
        uncovered=uncovered,
    )
