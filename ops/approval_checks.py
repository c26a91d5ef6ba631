"""Finds contradictions in what extends, bears or ends an approval, within one scan's evidence."""

from collections.abc import Iterator
from datetime import datetime

from domain import approvals, approvers, timestamps
from ops.scan_documents import Scan

Wrong = tuple[str, str]


def findings(scan: Scan) -> Iterator[Wrong]:
    """Yield ``(file, what is wrong with it)`` for each error; all documents are valid.

    What the settings allowed at the time is not recorded, so it is not checked: how long an
    approval may be valid, how many people must approve, and who is whom (``people``).
    """
    yield from _extensions(scan)
    yield from _people(scan)
    if not scan.rests_on:
        yield from taken_back(scan)
    yield from _exception(scan)


def _extensions(scan: Scan) -> Iterator[Wrong]:
    decision = scan.decision
    if decision is None or not approvals.is_by_people(decision):
        if scan.extensions:
            yield "extensions/1.json", "extends what people did not approve"
        return
    for number, extension in enumerate(scan.extensions, 1):
        name = f"extensions/{number}.json"
        end = approvals.ends(decision, scan.extensions[: number - 1])
        if "approvals" in decision:
            yield name, "extends alone what two people approved"
        elif end - timestamps.parse(extension["extendedAt"]) < approvals.LAST_MINUTE:
            yield name, f"came too late: the approval ended on {_minute(end)}"
        elif timestamps.parse(extension["expiresAt"]) <= end:
            yield name, f"does not extend: the approval ended on {_minute(end)}"


def _people(scan: Scan) -> Iterator[Wrong]:
    """The people of decision.json each have a click of their own, and one in the service's log."""
    decision = scan.decision or {}
    people = decision.get("approvals")
    if people is None:
        return
    if len({person["user"] for person in people}) < 2:
        yield "decision.json", "does not name two people who approved"
    left = [(click["reason"], click["approvedAt"]) for click in scan.approvals]
    for person in people:
        click = person["reason"], person["approvedAt"]
        if click in left:
            left.remove(click)
        else:
            yield "decision.json", f"names {person['user']}, whose click is not in approvals/"
        if not any(
            action["action"] == "approve"
            and action["user"] == person["user"]
            and approvers.is_click(action, *click)
            for action in scan.actions
        ):
            yield "decision.json", f"names {person['user']}, whose click is not in actions/"


def taken_back(scan: Scan) -> Iterator[Wrong]:
    """Yield an error if the pipeline withdrew an approval though nobody knows who approved it."""
    rule = (scan.withdrawal or {}).get("rule")
    if rule and not (scan.deciders or scan.extenders):
        yield "withdrawal.json", f"names the rule {rule}, but no click says who approved"


def _exception(scan: Scan) -> Iterator[Wrong]:
    """The gate result and the decision name the same exception."""
    decision, gate_result = scan.decision or {}, scan.gate_result or {}
    named = gate_result.get("restsOn", "")
    if decision.get("decision") == "approved" and named != scan.rests_on:
        yield (
            "decision.json",
            f"rests on {scan.rests_on or 'no exception'}, gate-result.json on {named or 'none'}",
        )
    elif scan.rests_on and decision.get("decision") != "approved":
        yield "decision.json", f"rests on {scan.rests_on}, but is no approval"
    since = gate_result.get("since", scan.id)
    if since.partition("/")[0] != scan.id.partition("/")[0]:
        yield "gate-result.json", f"compares with a scan of another app: {since}"


def _minute(when: datetime) -> str:
    return timestamps.minute(timestamps.iso(when))
