"""Finds who made a decision, by the clicks in the evidence."""

import html
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from . import timestamps

# Maximum time between a click in the service's log and the decision: they have different clocks,
# and users may click again.
NEAR = timedelta(minutes=5)


class Person(NamedTuple):
    """``user`` is the chat service's id; ``name`` is None if the log has none. Not sanitized."""

    user: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.name} ({self.user})" if self.name not in (None, self.user) else self.user


def person_of(record: Mapping[str, Any]) -> Person:
    """Return whom a document of ``actions/``, or an entry of a decision's ``approvals``, names."""
    return Person(record["user"], record.get("userName"))


class Evidence(Protocol):
    """The part of a scan's evidence that this module needs."""

    def all(self, folder: str) -> list[Any]:
        """Return the parsed JSON documents in ``folder`` of one scan's evidence."""
        ...


def matching(evidence: Evidence, verb: str, reason: str, at: str) -> list[Person]:
    """Return who clicked ``verb`` with this reason at about the time ``at``, nearest in time first.

    Empty if no click is recorded (yet); several people if it is unknown who was first.
    """
    when = timestamps.parse(at)
    matches = [
        record
        for record in evidence.all("actions")
        if record["action"] == verb and is_click(record, reason, at)
    ]
    people: dict[str, Person] = {}
    for match in sorted(matches, key=lambda record: _distance(record, when)):
        people.setdefault(match["user"], person_of(match))
    return list(people.values())


def is_click(record: Mapping[str, Any], reason: str, at: str) -> bool:
    """Whether ``record``, a document of ``actions/``, is the click with this reason at ``at``."""
    same = html.unescape(record["reason"]) == html.unescape(reason)
    return same and _distance(record, timestamps.parse(at)) <= NEAR


def _distance(record: Mapping[str, Any], when: datetime) -> timedelta:
    return abs(timestamps.parse(record["clickedAt"]) - when)


def of_approval(evidence: Evidence, decision: Mapping[str, Any]) -> list[Person]:
    """Return who approved, by decision.json if it names them, else by their clicks."""
    if named := decision.get("approvals"):
        return [*map(person_of, named)]
    return matching(evidence, "approve", decision["reason"], decision["decidedAt"])
