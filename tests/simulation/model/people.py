"""Who uploaded and who clicked, and since when the evidence says so."""

from math import inf

from tests.simulation.model.chain import VERBS
from tests.simulation.model.subjects import Attempt, Version, flights
from tests.simulation.model.wording import seconds
from tests.simulation.people import PEOPLE
from tests.simulation.trace import Stored

BY_USER = {person.user: name for name, person in PEOPLE.items()}
# Their uploads and clicks have nothing in common that the pipeline could compare.
UNKNOWN = {"eve"}
# A record is of a decision up to this many seconds before or after it (docs/approver-audit.md).
NEAR = 300.0


def recorded(version: Version) -> float:
    """When the evidence said who uploaded; infinite if it does not."""
    first = next((item for item in version.attempts if item.number == 1), None)
    stored = first and first.files.get("uploader.json")
    return stored.at if stored else inf


def uploader(version: Version) -> str:
    """Who uploaded, as far as anybody can know; empty if nobody can."""
    return "" if version.by in UNKNOWN or recorded(version) == inf else version.by


def approvers(attempt: Attempt) -> set[str]:
    """Those who may have approved, one of whom did; all of them, where two are needed."""
    if both := attempt.decision.get("approvals"):
        return {BY_USER.get(item["user"], "?") for item in both}
    return {click.by for click in flights(attempt, (VERBS["approved"],), attempt.decided)}


def records(attempt: Attempt, action: str, reason: object, at: str) -> list[Stored]:
    """The records of clicks that may have led to a document written ``at`` this time."""
    return [
        stored
        for name, stored in attempt.files.items()
        if name.startswith("actions/")
        and isinstance(stored.document, dict)
        and stored.document["action"] == action
        and stored.document["reason"] == reason
        and abs(seconds(stored.document["clickedAt"]) - seconds(at)) <= NEAR
    ]


def named(attempt: Attempt) -> set[str]:
    """Those whom the records name as who may have approved."""
    decision = attempt.decision
    matching = records(attempt, "approve", decision.get("reason"), decision.get("decidedAt", ""))
    return {BY_USER[stored.document["user"]] for stored in matching}


def known_approvers(attempt: Attempt, by: float) -> bool:
    """Whether the evidence said by then who approved."""
    decision = attempt.decision
    if "approvals" in decision:
        return True
    matching = records(attempt, "approve", decision.get("reason"), decision.get("decidedAt", ""))
    return any(stored.at < by for stored in matching)
