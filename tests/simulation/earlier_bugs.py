"""The older code that replaces a removed fix: as it was before the fix, or close to it."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.simulation.aws import functions  # noqa: F401  sets the handlers' environment

# isort: split
from domain import approvals, quorum, timestamps
from domain.approvers import Person
from handlers import (
    approval,
    callback,
    check_build_status,
    exceptions_of_app,
    notify,
    rescan,
    versions,
)
from handlers.evidence import Evidence

Definition = dict[str, Any]
# The value in scenarios that wait for the approver's name.
APPROVER_SECONDS = 30
OVER = "approval-expired"


def changed(change: Callable[[str, dict[str, Any]], None]) -> Callable[[Definition], Definition]:
    """Return a function that changes each state in a copy of a definition."""

    def changed(definition: Definition) -> Definition:
        older = deepcopy(definition)
        for name, state in older["States"].items():
            change(name, state)
        return older

    return changed


def any_error_is_none(name: str, state: dict[str, Any]) -> None:
    """Treat an approval as expired if withdrawal.json cannot be read."""
    if name == "CheckFailed":
        condition = "{% $decision.status = 'approved' %}"
        rule = {"Condition": condition, "Next": "TagStatus", "Assign": {"status": OVER}}
        state["Choices"].insert(0, rule)


def tag_unseen(name: str, state: dict[str, Any]) -> None:
    """Tag an approval without checking whether it was withdrawn."""
    if name == "RouteByDecision":
        condition = "{% $decision.status = 'withdrawn' and $tagged != 'approved' %}"
        approved = {"status": "approved", "reminded": True}
        rule = {"Condition": condition, "Next": "TagStatus", "Assign": approved}
        state["Choices"].insert(0, rule)


def wait_to_the_end(name: str, state: dict[str, Any]) -> None:
    """If no token can be stored, wait until the approval expires."""
    if name == "WaitWithoutCallback":
        end = "$max([1, $ceil(($toMillis($decision.expiresAt) - $millis()) / 1000)])"
        state["Seconds"] = f"{{% $decision.status = 'approved' ? {end} : $pause %}}"


def ignore_the_end(name: str, state: dict[str, Any]) -> None:
    """Tag an approval, wait for the approver's name, and notify people, although it has expired."""
    if name == "RouteByDecision":
        rules = state["Choices"]
        over = next(rule for rule in rules if rule.get("Assign", {}).get("status") == OVER)
        rules.remove(over)
        rules.insert([rule["Next"] for rule in rules].index("AwaitWithdrawal"), over)
    elif name == "WaitForAuditLog":
        state["Seconds"] = APPROVER_SECONDS


def notified_though_over(name: str, about: Any, real: Any = notify._is_outdated) -> bool:
    if name in ("approved", "expiring"):
        return about.own.withdrawal is not None
    return real(name, about)


def overwrite(request: dict[str, Any]) -> bool:
    callback.s3.put_object(
        Bucket=callback.STATE_BUCKET,
        Key=f"waiting/{request['scan']}.json",
        Body=json.dumps(request).encode(),
    )
    return True


def no_answer(*_: Any) -> bool:
    return False


def only_exceptions(
    known: Evidence, kinds: Any, stored: Any, request: Any, resume_execution: Any = approval._resume
) -> str:
    return resume_execution(known, kinds[-1:], stored, request)


def open_requests_only(request: Any, real: Any = callback._has_news) -> bool:
    """Do not look for a withdrawal when the wait for one begins."""
    return request["kind"] == "decision" and real(request)


class NoVersions:
    """In place of the module versions: no version is newer."""

    @staticmethod
    def newer(*_: Any) -> None:
        return None


def only_the_newest(s3: Any, scan: Any) -> str | None:
    result, _ = versions._versions(s3, scan)
    newest = result[0]["VersionId"] if result else None
    return newest if newest != scan["versionId"] else None


def already(known: Evidence, decision: Any) -> str:
    outcome, when = decision["decision"], timestamps.minute(decision["decidedAt"])
    if outcome in ("request-expired", "superseded"):
        return _STANDING(known, decision)
    return (
        f"Already {outcome} on {when}, because: {decision['reason']}. "
        "A scan is decided once; nothing changed."
    )


_STANDING = approval._existing_decision


def end_first(click: Any, withdraw: Any = approval.withdraw) -> str:
    """Answer that an exception has expired, before checking whether it was withdrawn."""
    decision = Evidence(approval.s3, approval.ARTIFACTS_BUCKET, click.scan).read("decision.json")
    if (
        decision
        and decision["expiresAt"]
        and timestamps.is_over(decision["expiresAt"], timestamps.now())
    ):
        when = timestamps.minute(decision["expiresAt"])
        return f"Nothing to withdraw: the approval expired on {when}."
    return withdraw(click)


def scan_this_again(scan: str) -> str:
    """Start the attempt after the card's, even if that attempt exists already."""
    known = Evidence(rescan.s3, rescan.ARTIFACTS_BUCKET, scan)
    opened, outcome = known.read("scan.json"), known.read("gate-result.json")
    if not opened:
        return f"There is no scan {scan} here."
    if outcome and outcome["status"] == "passed":
        return f"{scan} passed its quality gate; there is nothing to scan again."
    if outcome and outcome.get("retryable") is False:
        return f"The same bytes would end as {scan} did: do what its card says, then upload again."
    if rescan.status(rescan.sfn, opened["execution"]) == "RUNNING":
        return f"{scan} is not over: it is being scanned, awaits its decision, or is approved."
    attempt = opened.get("attempt", 1) + 1
    again = f"{opened['app']}/{opened['versionId']}.{attempt}"
    machine, _, _ = opened["execution"].replace(":execution:", ":stateMachine:").rpartition(":")
    try:
        rescan.sfn.start_execution(
            stateMachineArn=machine,
            name=f"again-{attempt}-{opened['versionId']}",
            input=json.dumps(rescan._event(opened, attempt)),
        )
    except rescan.sfn.exceptions.ExecutionAlreadyExists:
        return f"It is scanned again already, as {again}: see the newer card."
    return f"Scanning {opened['key']} again; the answer comes on a new card, about {again}."


def unmarked(match: Any, scan: str) -> bool:
    """Rest on an exception without marking that, so that its withdrawal does not resume."""
    return exceptions_of_app.valid(match.exception.evidence, timestamps.now()) is not None


def own_only(own: Any, root: Any, now: Any, real: Any = approvals.validity) -> Any:
    """Ignore that the exception that an approval rests on is over."""
    decision = {name: item for name, item in (own.decision or {}).items() if name != "restsOn"}
    return real(own._replace(decision=decision or None), None, now)


def any_build(*arguments: Any, real: Any = check_build_status._failed, **named: Any) -> Any:
    """Let an exception cover what the report of a failed build says."""
    return real(*arguments, **{**named, "succeeded": True})


def nobody(*_: Any) -> None:
    return None


def nothing(*_: Any) -> list[Any]:
    return []


def each_click(clicks: Any, actions: Any, known_as: Any) -> Any:
    """Count clicks instead of people."""
    people = [
        Person(action["user"], action.get("userName"))
        for action in actions
        if action["action"] == "approve"
    ]
    return [quorum.Approval(*pair) for pair in zip(people, clicks, strict=False)]


def not_about_people(key: str, real: Any = callback.answer) -> bool:
    """Leave it to the next event to look who clicked."""
    return "/actions/" not in key and real(key)


class CardFirst(Evidence):
    """Writes the card before the gate result, each write-once: the two may disagree."""

    def put_if_absent(self, name: str, document: Any) -> Any:
        if name == "gate-result.json" and document["card"]:
            card = super().put_if_absent("notification.json", document["card"])
            document = {**document, "card": card.document}
        return super().put_if_absent(name, document)
