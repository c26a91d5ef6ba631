"""Whether each card and email was true when it was sent.

Promises: docs/decisions.md, "The lifecycle of a request"; docs/simulation.md, "What must hold". A
card is evaluated by what its author could know: it must have been true at some point between
``composed``, when the author began to read, and ``at``, when it was sent. Deadlines (an expiry, a
reminder) may be off by the 3 s by which clocks differ.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS, SKEW
from tests.simulation.model.subjects import Attempt, Violation
from tests.simulation.model.wording import context, day, kind, minute
from tests.simulation.trace import EPOCH, Mailed, Published

# The buttons of a card, by the key of its context that each reads (components/buttons.py).
BUTTON = {
    "failed": "Decide",
    "partly-approved": "Decide",
    "escalated": "Decide",
    "approved": "Withdraw",
    "expiring": "Withdraw",
    "extended": "Withdraw",
}
SUBJECTS = (
    ("Quality gate failed", "failure"),
    ("Scan failed to run", "scan failure"),
    ("Approved until ", "approved"),
    ("Rejected:", "rejected"),
    ("Request expired:", "request-expired"),
    ("Expired on ", "approval-expired"),
    ("Expires on ", "expiring"),
    ("Withdrawn:", "withdrawn"),
    ("Extended until ", "extended"),
)
NO_SUBJECT = {"many scans did not pass"}
_OPEN = re.compile(r"Open until (\d+ \w+ \d{4}, \d\d:\d\d) UTC")
_EXPIRES = re.compile(r"On (\d+ \w+ \d{4}, \d\d:\d\d) UTC the request expires")


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the kind ``name``, composed from ``start`` on and sent at ``end``."""

    name: str
    start: float
    end: float
    text: str
    buttons: dict[str, str] | None


def violations(history: History) -> Iterator[Violation]:
    """Evaluate all cards and emails."""
    for event in history.strays:
        if isinstance(event, Published) and kind(event) not in NO_SUBJECT:
            yield Violation("stray card", event.at, f"about no upload: {event.card['content']}")
        if isinstance(event, Mailed):
            yield Violation("stray email", event.at, f"about no upload: {event.subject}")
    for attempt in history.attempts.values():
        for statement in (*_cards(attempt), *_mails(attempt)):
            for what in judge(history, attempt, statement):
                yield Violation(
                    f"untrue: {statement.name}" if is_known(statement.name) else "unknown card",
                    statement.end,
                    f"{attempt.scan}, composed {statement.start:.1f}, sent {statement.end:.1f}: "
                    f"{what}",
                )


def is_known(name: str) -> bool:
    """Whether it is a known kind of card or email."""
    return name.removeprefix("unsent ") in RULES


def judge(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    """Yield the untrue claims of a message."""
    name, _, about = statement.name.rpartition(" ")
    if name == "unsent" and about in RULES:
        yield from _unsent(history, attempt, statement, about)
    elif rule := RULES.get(statement.name):
        yield from rule(history, attempt, statement)
    else:
        yield f"no such card or mail is known: {statement.text[:200]!r}"
    if (
        (key := BUTTON.get(statement.name))
        and statement.buttons is not None
        and statement.name != "failed"
    ):
        plain = "Scan" in statement.buttons and len(statement.buttons) == 1
        if key not in statement.buttons and not plain:
            yield f"it has no {key} button"
    if statement.buttons is not None:
        if "Extend" in statement.buttons and not _extendable(history, attempt, statement):
            yield f"it has an Extend button, though {statement.name}"
        for key in {"Decide", "Withdraw"} & statement.buttons.keys() - {BUTTON.get(statement.name)}:
            yield f"it has a {key} button, though {statement.name}"


def _extendable(history: History, attempt: Attempt, statement: Said) -> bool:
    """Whether one person may extend it: not what two approved, nor what has no end of its own."""
    return (
        BUTTON.get(statement.name) == "Withdraw"
        and attempt.root is None
        and history.settings.approvals == 1
    )


def _cards(attempt: Attempt) -> Iterator[Said]:
    for card in attempt.cards:
        content = card.card["content"]
        steps = content.get("nextSteps") or []
        text = _line(content["title"], content["description"], *steps)
        yield Said(kind(card), min(card.composed, card.at), card.at, text, context(card))


def _mails(attempt: Attempt) -> Iterator[Said]:
    for mail in attempt.mails:
        subject = mail.subject.partition("] ")[2]
        name = next((name for start, name in SUBJECTS if subject.startswith(start)), "")
        text = _line(mail.subject, mail.text)
        yield Said(name, min(mail.composed, mail.at), mail.at, text, None)


def _failed(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    if attempt.status != "failed" or attempt.evaluated > statement.end:
        yield f"gate-result.json says {attempt.status}"
    # The evaluation may be that of an earlier attempt, whose response was lost.
    start = min(statement.start, history.patience.before(statement.end))
    if "Decide" not in (statement.buttons or {}):
        if not attempt.version.replaced(start, statement.end):
            yield "nobody is asked, though it is the newest version"
        return
    if attempt.version.newer(start, statement.end):
        yield "it asks, though a newer version had been there for long"
    if attempt.decided < start:
        yield f"it asks, though decided at {attempt.decided:.1f}"
    if (match := _OPEN.search(statement.text)) and attempt.outcome == "request-expired":
        yield from _window(history, attempt, _minute(match[1]))


def _window(history: History, attempt: Attempt, notified: float) -> Iterator[str]:
    """The card says that the request is open until ``notified``, a time without seconds."""
    if attempt.decided < notified - SKEW:
        yield f"open until {minute(notified)}, but it expired at {attempt.decided:.1f} already"
    if attempt.decided > history.patience.deadline(notified + FOLLOWS):
        yield f"open until {minute(notified)}, but it expired at {attempt.decided:.1f} only"


def _scan_error(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    if attempt.status != "error" or attempt.evaluated > statement.end:
        yield f"gate-result.json says {attempt.status}"


def _mailed_failure(status: str) -> "Rule":
    """The email that a scan did not pass, which is not sent about a request that is closed."""

    def rule(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
        if attempt.status != status or attempt.evaluated > statement.end:
            yield f"gate-result.json says {attempt.status}"
        if attempt.decided < statement.start:
            yield f"it was {attempt.outcome} at {attempt.decided:.1f} already"
        # Which versions are newer than a deleted one is unknown.
        there = attempt.version.deleted > statement.end
        if there and attempt.version.newer(statement.start, statement.end):
            yield "a newer version had been there for long"

    return rule


def _escalated(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    start = statement.start
    if len(statement.buttons or {}) <= 1:  # the plain card, where the other one could not be had
        start = min(start, history.patience.before(statement.end))
    if attempt.status != "failed" or attempt.evaluated > statement.end:
        yield f"gate-result.json says {attempt.status}"
    if attempt.decided < start:
        yield f"it was {attempt.outcome} at {attempt.decided:.1f} already"
    if match := _EXPIRES.search(statement.text):
        end = history.expires(attempt)
        early = attempt.evaluated + history.settings.decide - 2 * FOLLOWS
        if not early <= _minute(match[1]) <= history.patience.deadline(end):
            yield f"it says until {match[1]}, but the window ends at {minute(end)}"


def _approved(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    yield from _holds(attempt, statement)
    yield from _names_an_end(attempt, statement)


def _ending(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    yield from _holds(attempt, statement)
    yield from _names_an_end(attempt, statement)
    end = attempt.end(statement.start)
    if statement.end < end - history.settings.remind - SKEW:
        yield f"it is sent {end - statement.end:.0f} s before the end"


def _holds(attempt: Attempt, statement: Said) -> Iterator[str]:
    if not attempt.held(statement.start, statement.end, SKEW):
        yield (
            f"it was {attempt.outcome or 'not decided'} at {attempt.decided:.1f}, withdrawn at "
            f"{attempt.withdrawn:.1f}, over at {attempt.until:.1f}"
        )


def _ended(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    if attempt.outcome != "approved" or statement.end < attempt.end(statement.end) - SKEW:
        yield f"it is {attempt.outcome or 'not decided'} until {attempt.until:.1f}"
    elif attempt.withdrawn < min(attempt.until - FOLLOWS, statement.start):
        yield f"it was withdrawn at {attempt.withdrawn:.1f}, long before"
    else:
        yield from _names(statement, day(attempt.until))


def _withdrawn(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    if attempt.withdrawn > statement.end:
        yield f"withdrawal.json is of {attempt.withdrawn:.1f}"


def _decided(outcome: str) -> "Rule":
    def rule(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
        if attempt.outcome != outcome or attempt.decided > statement.end:
            yield f"decision.json says {attempt.outcome or 'nothing'}"

    return rule


def _unsent(history: History, attempt: Attempt, statement: Said, about: str) -> Iterator[str]:
    """The state machine's own card, sent if all attempts to notify failed."""
    start = min(statement.start, history.patience.before(statement.end))
    if not history.patience.any(start, statement.end):
        yield "nothing failed"
    text = " ".join(f"{day(end)} {minute(end)}" for end in attempt.ends(start, statement.end))
    yield from RULES[about](history, attempt, Said(about, start, statement.end, text, None))


def _delayed(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    """The tag of an approval could not be set: calls failed, or the version was deleted."""
    if attempt.outcome != "approved" or attempt.decided > statement.end:
        yield f"decision.json says {attempt.outcome or 'nothing'}"
    start = min(statement.start, history.patience.before(statement.end))
    if not history.patience.any(start, statement.end) and attempt.version.deleted > statement.end:
        yield "nothing failed"


def _error(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    late = history.patience.deadline(statement.end)
    if not any(run.started <= statement.end and run.ended <= late for run in attempt.runs):
        yield "its execution goes on"


def _line(*texts: str) -> str:
    """The text on one line."""
    return " ".join(" ".join(texts).split())


def _names_an_end(attempt: Attempt, statement: Said) -> Iterator[str]:
    """It names one of the ends that the evidence named while it was written."""
    ends = attempt.ends(statement.start, statement.end)
    if not any(day(end) in statement.text and minute(end) in statement.text for end in ends):
        yield f"it does not say {' or '.join(map(minute, sorted(ends)))}"


def _names(statement: Said, *times: str) -> Iterator[str]:
    for time in times:
        if time not in statement.text:
            yield f"it does not say {time}"


@lru_cache(maxsize=1024)
def _minute(text: str) -> float:
    """The virtual time of ``24 Dec 2026, 10:00``."""
    return (datetime.strptime(text, "%d %b %Y, %H:%M").replace(tzinfo=UTC) - EPOCH).total_seconds()


Rule = Callable[[History, Attempt, Said], Iterator[str]]


def _partly(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    """One of two people has approved, and nothing is decided."""
    if history.settings.approvals == 1:
        yield "one person is enough"
    if not any(stored.at <= statement.end for _, stored in attempt.numbered("approvals")):
        yield "nobody has approved"
    if attempt.decided < statement.start:
        yield f"it was {attempt.outcome} at {attempt.decided:.1f} already"


def _again(history: History, attempt: Attempt, statement: Said) -> Iterator[str]:
    """See also comparisons, which knows the app's other scans."""
    if attempt.status != "passed" or attempt.evaluated > statement.end:
        yield f"gate-result.json says {attempt.status}"


RULES: dict[str, Rule] = {
    "partly-approved": _partly,
    "passes again": _again,
    "failed": _failed,
    "scan error": _scan_error,
    "failure": _mailed_failure("failed"),
    "scan failure": _mailed_failure("error"),
    "escalated": _escalated,
    "approved": _approved,
    "rejected": _decided("rejected"),
    "request-expired": _decided("request-expired"),
    "superseded": _decided("superseded"),
    "expiring": _ending,
    "extended": _approved,
    "approval-expired": _ended,
    "withdrawn": _withdrawn,
    "delayed": _delayed,
    "pipeline error": _error,
}
