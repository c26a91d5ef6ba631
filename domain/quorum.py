"""Which different people approved, where one is not enough.

A click on Approve that was allowed leaves ``approvals/<n>.json``, without its user; the chat
service's log says who clicked, but has refused clicks, too. So a person counts with one of each,
and no click counts for two people. Who has two ids is one person where their addresses are known.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from . import approvers, four_eyes, timestamps
from .approvers import Person, person_of

Document = Mapping[str, Any]


class Approval(NamedTuple):
    """The click of one person; ``click`` is ``approvals/<n>.json``."""

    person: Person
    click: Document


def approvals(
    clicks: Sequence[Document], actions: Sequence[Document], known_as: Mapping[str, str]
) -> list[Approval]:
    """Return as many different people as possible, each with a click of their own, oldest first.

    ``actions`` are the documents of ``actions/``, without those of people who do not count;
    ``known_as`` is the setting ``people``.
    """

    def identity(action: Document) -> str:
        return four_eyes.identity(person_of(action), known_as)

    approving = sorted(
        (action for action in actions if action["action"] == "approve"),
        key=lambda action: timestamps.parse(action["clickedAt"]),
    )
    people: dict[str, Person] = {}
    for action in approving:
        people.setdefault(identity(action), person_of(action))
    candidates = {
        user: [
            number
            for number, click in enumerate(clicks)
            if any(
                identity(action) == user
                and approvers.is_click(action, click["reason"], click["approvedAt"])
                for action in approving
            )
        ]
        for user in people
    }
    owners: dict[int, str] = {}

    def assign(user: str, tried: set[int]) -> bool:
        """Give ``user`` a click, if need be that of another who then gets another one."""
        for number in candidates[user]:
            if number not in tried:
                tried.add(number)
                if number not in owners or assign(owners[number], tried):
                    owners[number] = user
                    return True
        return False

    for user in people:
        assign(user, set())
    return [Approval(people[owners[number]], clicks[number]) for number in sorted(owners)]
