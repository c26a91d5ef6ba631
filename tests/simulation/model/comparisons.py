"""Whether cards say truly what changed since the last version of the app, and that it passes again.

Promises: docs/decisions.md, "What changed": a failed card compares with the last version that has a
gate result; an app that passes again after it failed says so once, in the thread that asked.
"""

import re
from collections.abc import Iterator

from tests.simulation.model import coverage
from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS
from tests.simulation.model.subjects import Attempt, Violation
from tests.simulation.model.wording import kind

_SINCE = re.compile(
    r"Since [^:]*?version `?(\w{8})`?[^:]*: (\d+) new findings?, (\d+) known, (\d+) fixed"
    r"(?:; unanalysed: (\d+) new files?, (\d+) known, (\d+) fixed)?"
)
_UNCOMPARED = "not compared"
AGAIN = "passes again"


def violations(history: History) -> Iterator[Violation]:
    """Evaluate the gate results of each app, and their cards."""
    for attempt in history.attempts.values():
        if attempt.status not in ("passed", "failed"):
            continue
        for what in _compared(history, attempt):
            yield Violation("wrong comparison", attempt.evaluated, f"{attempt.scan}: {what}")
        if attempt.status == "passed":
            yield from _again(history, attempt)


def _compared(history: History, attempt: Attempt) -> Iterator[str]:
    stored = attempt.files["gate-result.json"].document
    before = history.attempt(stored.get("since"))
    if stored.get("since") and (before is None or before.version.app != attempt.version.app):
        yield f"it is compared with {stored['since']}, which is none of its app's"
        return
    start = history.patience.before(attempt.evaluated)
    last = _last(history, attempt, start)
    if before is None:
        cards = [card for card in attempt.cards if kind(card) in ("failed", AGAIN)]
        # Nothing is compared with a later upload.
        later = any(
            other.evaluated <= attempt.evaluated and _order(other) >= _order(attempt)
            for other in _others(history, attempt)
        )
        failing = history.patience.any(start, attempt.evaluated)
        if last and cards and coverage.is_known(last) and not later and not failing:
            yield f"it is compared with nothing, though {last.scan} was before"
    elif before.evaluated > attempt.evaluated or _order(before) > _order(attempt):
        yield f"it is compared with {before.scan}, which is later"
    elif last and _order(before) < _order(last) and not _as_before(attempt, before):
        yield f"it is compared with {before.scan}, though {last.scan} was after that"
    else:
        yield from _numbers(attempt, before)


def _as_before(attempt: Attempt, before: Attempt) -> bool:
    """Whether an earlier attempt at the same version was compared with the same scan."""
    return any(
        (stored := other.files.get("gate-result.json"))
        and stored.document.get("since") == before.scan
        for other in attempt.version.attempts
        if other.number < attempt.number
    )


def _others(history: History, attempt: Attempt) -> list[Attempt]:
    """The other gate results of the app."""
    return [
        other
        for other in history.attempts.values()
        if other is not attempt
        and other.version.app == attempt.version.app
        and other.status in ("passed", "failed")
    ]


def _numbers(attempt: Attempt, before: Attempt) -> Iterator[str]:
    known = coverage.is_known(attempt) and coverage.is_certain(before)
    findings = coverage.compare(coverage.findings(before), coverage.findings(attempt))
    files = coverage.compare(coverage.unseen(before), coverage.unseen(attempt))
    expected = [
        len(items) for part in (findings, files) for items in (part.new, part.known, part.fixed)
    ]
    for card in attempt.cards:
        if kind(card) not in ("failed", AGAIN):
            continue
        text = card.card["content"]["description"]
        match = _SINCE.search(text)
        if match is None:
            if known or _UNCOMPARED not in text:
                yield f"its card {kind(card)!r} does not say what changed"
        elif not known or match[1] != before.version.id[:8]:
            yield f"its card compares with {match[1]}"
        elif [int(number or 0) for number in match.groups()[1:]] != expected:
            yield f"its card says {match[0]!r}, not {expected}"


def _last(history: History, attempt: Attempt, by: float) -> Attempt | None:
    """The last gate result of the app before this upload that was there ``by`` then."""
    earlier = [
        other
        for other in _others(history, attempt)
        if other.version is not attempt.version
        and other.evaluated < by
        and _order(other) < _order(attempt)
    ]
    return max(earlier, key=_order, default=None)


def _again(history: History, attempt: Attempt) -> Iterator[Violation]:
    cards = [card for card in attempt.cards if kind(card) == AGAIN]
    start = history.patience.before(attempt.evaluated)
    others = _others(history, attempt)
    # What was evaluated at about the same time may, or may not, be known.
    unclear = any(start <= other.evaluated <= attempt.evaluated + FOLLOWS for other in others)
    before = [other for other in others if other.evaluated < start]
    if unclear or any(_order(other) > _order(attempt) for other in before):
        return
    # Uploads of the same second are in the order of their evaluation, by clocks that differ.
    ties = [other for other in before if _order(other) == _order(attempt)]
    newest = max((_order(other) for other in before if other not in ties), default=None)
    lasts = [other for other in before if other in ties or _order(other) == newest]
    failed = [other for other in lasts if other.status == "failed"]
    if cards and not failed:
        yield Violation(
            "untrue: passes again", cards[0].at, f"{attempt.scan}: nothing failed before"
        )
    elif cards and cards[0].card["metadata"].get("threadId") not in map(thread, failed):
        yield Violation("another thread", cards[0].at, f"{attempt.scan}: not that of the last one")
    failing = history.patience.any(start, attempt.evaluated + FOLLOWS)
    ended = any(run.status == "SUCCEEDED" for run in attempt.runs)
    # A version that was deleted meanwhile cannot be tagged, and its execution ends before the card.
    is_there = attempt.version.deleted > attempt.evaluated + FOLLOWS
    due = history.is_current and lasts and lasts == failed and not ties
    if due and ended and is_there and not cards and not failing:
        yield Violation("not notified", attempt.evaluated, f"{attempt.scan}: no card {AGAIN!r}")


def thread(attempt: Attempt) -> str:
    """The thread of the cards about a scan, or about the exception that it rests on."""
    card = attempt.files["gate-result.json"].document.get("card")
    if card:
        return card["metadata"]["threadId"]
    return thread(attempt.root) if attempt.root else attempt.scan


def _order(attempt: Attempt) -> tuple[int, int]:
    """Of uploads and attempts, which may be evaluated in another order; to the second."""
    return int(attempt.version.uploaded), attempt.number
