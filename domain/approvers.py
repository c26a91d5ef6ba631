"""Who approved, as far as the evidence tells."""

import html
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from . import timestamps

# Between the service's log and the decision: two clocks, and a person's second try.
NEAR = timedelta(minutes=5)


@dataclass(frozen=True)
class Person:
    """``user`` is the chat service's id, where its log tells it; both come from outside."""

    user: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.name} ({self.user})" if self.name not in (None, self.user) else self.user


class Evidence(Protocol):
    """The part of a scan's evidence that is needed here."""

    def all(self, folder: str) -> list[Any]:
        """Return the parsed JSON of what lies in ``folder`` of one scan's evidence."""
        ...


def matching(evidence: Evidence, verb: str, reason: str, at: str) -> list[Person]:
    """Return who approved ``verb`` with this reason around the moment ``at``, the nearest first.

    Nobody where nobody is recorded (yet); several where each of them may have been first.
    """
    when = timestamps.parse(at)

    def distance(record: dict[str, Any]) -> timedelta:
        return abs(timestamps.parse(record["clickedAt"]) - when)

    fitting = [
        record
        for record in evidence.all("actions")
        if record["action"] == verb
        and html.unescape(record["reason"]) == html.unescape(reason)
        and distance(record) <= NEAR
    ]
    people: dict[str, Person] = {}
    for match in sorted(fitting, key=distance):
        people.setdefault(match["user"], Person(match["user"], match.get("userName")))
    return list(people.values())
