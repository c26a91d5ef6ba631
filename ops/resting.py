"""Verifies an approval that rests on the exception of an earlier scan of the app."""

from collections.abc import Iterator

from domain import approvals, exceptions, findings_document, report, timestamps
from ops import approval_checks, evidence_chain
from ops.clearance import NEVER, SKEW
from ops.evidence_chain import Files
from ops.scan_documents import Scan


def findings(scan: Scan, files: Files, root_files: Files) -> Iterator[tuple[str, str]]:
    """Yield ``(file, what is wrong with it)`` for each error.

    ``scan`` has the documents of ``files``, and its ``root`` those of ``root_files``.
    """
    root = scan.root
    if scan.wrong_root or not root:
        yield "decision.json", scan.wrong_root
        return
    if any(evidence_chain.findings(root.id, root_files)):
        yield "decision.json", f"rests on {root.id}, whose evidence is not sound: verify that"
        return
    if not (scan.decision and root.decision and scan.gate_result):
        return  # which is an error of its own
    named = f"rests on {root.id}, "
    # decision.json may be written long after, by a repeated call; then it does not hold any more.
    evaluated = timestamps.parse(scan.gate_result["evaluatedAt"])
    over = root.validity(NEVER)
    if over.since and over.since < evaluated - SKEW:
        yield "decision.json", f"{named}which was over by then: {over.status}"
    if timestamps.parse(root.decision["decidedAt"]) > evaluated + SKEW:
        yield "decision.json", f"{named}which was approved later"
    if scan.decision["reason"] != root.decision["reason"]:
        yield "decision.json", f"{named}which was approved for another reason"
    ends = [
        approvals.ends(root.decision, root.extensions[:number])
        for number in range(len(root.extensions) + 1)
    ]
    if timestamps.parse(scan.decision["expiresAt"]) not in ends:
        yield "decision.json", f"{named}which does not expire then"
    yield from approval_checks.taken_back(scan)
    for why in _not_covered(scan, files, root, root_files):
        yield "decision.json", f"{named}which does not cover it: {why}"


def _not_covered(scan: Scan, files: Files, root: Scan, root_files: Files) -> list[str]:
    if root.gate_result and root.gate_result.get("buildFailed"):
        return ["its build failed, so its findings are not certain"]
    reports = [report.parse(one.report, one.id) for one in (scan, root)]
    listed = [
        findings_document.parse(stored.document, one.id)
        for one, stored in (
            (scan, files.get(findings_document.NAME)),
            (root, root_files.get(findings_document.NAME)),
        )
        if stored
    ]
    match (reports, listed):
        case [now, approved], [findings_now, approved_findings] if (
            now and approved and findings_now and approved_findings
        ):
            return exceptions.not_covered(now, findings_now, approved, approved_findings)
        case _:
            return ["their findings cannot be compared"]
