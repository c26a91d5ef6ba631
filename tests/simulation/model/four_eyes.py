"""Whether two people approved where two must, and an own approval was taken back where it must be.

Promises: docs/decisions.md, "Four eyes". Who clicked is known once the chat service's log says so;
then the approval of who uploaded is taken back within a minute (``selfApproval: refuse``), or two
different people have approved (``approvals: 2``).
"""

from collections.abc import Iterator
from itertools import combinations
from math import inf

from tests.simulation.model import people
from tests.simulation.model.chain import period
from tests.simulation.model.history import History
from tests.simulation.model.subjects import CLICK, Attempt, Violation, flights
from tests.simulation.model.wording import seconds, verb
from tests.simulation.trace import Clicked, Stored


def violations(history: History) -> Iterator[Violation]:
    """Evaluate all decisions by people."""
    settings = history.settings
    for attempt in history.attempts.values():
        if settings.approvals > 1:
            yield from _quorum(history, attempt)
        elif attempt.files.keys() & {"approvals/1.json"} or "approvals" in attempt.decision:
            yield Violation("quorum though off", attempt.decided, attempt.scan)
        yield from _taken_back(history, attempt)
        if settings.self_approval == "refuse":
            yield from _own(history, attempt)


def _quorum(history: History, attempt: Attempt) -> Iterator[Violation]:
    if attempt.outcome == "approved" and "restsOn" not in attempt.decision:
        for what in _not_by_two(history, attempt):
            yield Violation("not approved by two", attempt.decided, f"{attempt.scan}: {what}")
    yield from _undecided(history, attempt)


def _not_by_two(history: History, attempt: Attempt) -> Iterator[str]:
    named = attempt.decision.get("approvals") or []
    users = {people.BY_USER.get(item["user"], "?") for item in named}
    if len(named) != 2 or len(users) != 2:
        yield f"it names {sorted(users)}"
        return
    refuses = history.settings.self_approval == "refuse"
    recorded = people.recorded(attempt.version) < history.patience.before(attempt.decided)
    if refuses and recorded and people.uploader(attempt.version) in users:
        yield f"{people.uploader(attempt.version)} uploaded it"
    clicks = [_clicks(attempt, user) for user in users]
    if not all(clicks):
        yield f"not each of {sorted(users)} clicked"
        return
    default = history.settings.exception
    agreed = min(max(period(click) or default for click in one) for one in clicks)
    period_ = seconds(attempt.decision["expiresAt"]) - seconds(attempt.decision["decidedAt"])
    shortest = _shortest(attempt)
    if period_ > agreed + 1 or not any(abs(period_ - item) <= 1 for item in shortest):
        yield f"it holds for {period_:.0f} s, not for {sorted(shortest)}"


def _shortest(attempt: Attempt) -> set[float]:
    """The shortest period of all recorded clicks; a click just before the decision may count."""
    documents = [stored for _, stored in attempt.numbered("approvals")]
    documents = [stored for stored in documents if stored.at <= attempt.decided]
    start = attempt.decided - CLICK
    read = {start, *(stored.at for stored in documents if stored.at > start)}
    periods = ([one.document["seconds"] for one in documents if one.at <= at] for at in read)
    return {min(known) for known in periods if known}


def _clicks(attempt: Attempt, user: str) -> list[Clicked]:
    return [
        click
        for click in attempt.clicks
        if click.by == user and verb(click) == "approve" and click.began <= attempt.decided
    ]


def _undecided(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Once two different people have approved, and the log says so, it is decided."""
    approved: dict[str, float] = {}
    refuse = history.settings.self_approval == "refuse"
    for number, stored in attempt.numbered("approvals"):
        document = stored.document
        clicked = {click.by for click in flights(attempt, ("approve",), stored.at)}
        if len(clicked) != 1 or number > 20:
            continue
        [user] = clicked
        matching = [
            record
            for record in people.records(
                attempt, "approve", document["reason"], document["approvedAt"]
            )
            if people.BY_USER[record.document["user"]] == user
        ]
        if refuse and user == attempt.version.by:
            continue
        since = min((max(stored.at, record.at) for record in matching), default=inf)
        approved[user] = min(approved.get(user, inf), since)
    for first, second in combinations(approved.values(), 2):
        since = max(first, second)
        late = history.patience.deadline(since)
        if late < attempt.decided and since < history.ended and not _failed(attempt, late):
            yield Violation(
                "two approved, and nothing follows",
                late,
                f"{attempt.scan}: {approved}, decided at {attempt.decided:.1f}",
            )
            return


def _failed(attempt: Attempt, by: float) -> bool:
    return any(run.status == "FAILED" and run.ended <= by for run in attempt.runs)


def _taken_back(history: History, attempt: Attempt) -> Iterator[Violation]:
    """The pipeline withdraws only what who uploaded approved or extended."""
    rule = attempt.withdrawal.get("rule")
    if rule is None:
        return
    by = attempt.version.by
    recorded = [
        stored
        for action in ("approve", "extend")
        for stored in _records(attempt.root or attempt, action)
        if people.BY_USER[stored.document["user"]] == by and stored.at <= attempt.own_withdrawal
    ]
    if history.settings.self_approval != "refuse" or rule != "self-approval" or not recorded:
        yield Violation(
            "taken back without cause", attempt.own_withdrawal, f"{attempt.scan}: {rule!r}"
        )


def _records(attempt: Attempt, action: str) -> list[Stored]:
    return [
        stored
        for name, stored in attempt.files.items()
        if name.startswith("actions/") and stored.document["action"] == action
    ]


def _own(history: History, attempt: Attempt) -> Iterator[Violation]:
    """An approval by who uploaded is taken back within a minute of being known as such."""
    uploader = people.uploader(attempt.version)
    if not uploader or "restsOn" in attempt.decision or attempt.outcome != "approved":
        return
    known = people.recorded(attempt.version)
    documents = [("approve", attempt.files["decision.json"], "decidedAt")]
    documents += [("extend", stored, "extendedAt") for _, stored in attempt.numbered("extensions")]
    for action, stored, when in documents:
        if action == "approve" and "approvals" in attempt.decision:
            continue
        document = stored.document
        matching = people.records(attempt, action, document["reason"], document[when])
        users = {people.BY_USER[record.document["user"]] for record in matching}
        # Where several people clicked with the same reason, nobody knows whose click it was.
        if users != {uploader}:
            continue
        since = max(known, stored.at, min(record.at for record in matching))
        late = history.patience.deadline(since)
        over = min(attempt.end(late), attempt.withdrawn, attempt.version.deleted, history.ended)
        if late < over and not _failed(attempt, late):
            yield Violation(
                "own approval kept",
                late,
                f"{attempt.scan}: {uploader} clicked {action}, known since {since:.1f}",
            )
