"""No message is sent twice, except where docs/faults.md accepts it ("What is accepted")."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS, SKEW
from tests.simulation.model.statements import SUBJECTS
from tests.simulation.model.subjects import Attempt, Violation
from tests.simulation.model.wording import kind
from tests.simulation.trace import Faulted, Mailed, Published

# The sender got no response: neither SNS nor SES deduplicates requests (docs/faults.md).
_TIME = re.compile(r"\d+ \w+ \d{4}, \d\d:\d\d")
# Lambda runs an asynchronous invocation that failed again, after one minute and two, in seconds.
LAMBDA_REPEATS = 180.0
UNANSWERED = {"after", "error after", "killed after", "slow", "outage"}


def doubled(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Yield the messages that were sent twice without an accepted reason."""
    for build in attempt.builds[1:]:
        yield Violation("second build", build.at, f"{attempt.scan}: {build.build}")
    for name, cards in by_kind(attempt).items():
        if name == "pipeline error" and len(cards) <= sum(
            run.status == "FAILED" for run in attempt.runs
        ):
            continue  # one for each execution that failed
        for same in _by_end(cards):
            yield from _twice(history, attempt, f"card {name!r}", same)
    for name, mails in by_subject(attempt).items():
        for same in _by_end(mails):
            yield from _twice(history, attempt, f"mail {name!r}", same)
    # The shared thread of a notification storm is only known once there is a gate result.
    threads = {
        card.card["metadata"].get("threadId")
        for card in attempt.cards
        if kind(card) != "pipeline error" or card.at > attempt.evaluated + FOLLOWS
    }
    if len(threads) > 1:
        yield Violation(
            "another thread", attempt.cards[-1].at, f"{attempt.scan}: {sorted(map(str, threads))}"
        )
    both = {"failed", "scan error"} & by_kind(attempt).keys()
    if len(both) == 2:
        yield Violation(
            "failed and scan error", attempt.evaluated, f"{attempt.scan} has both cards"
        )


def _by_end(sent: Sequence[Published] | Sequence[Mailed]) -> Iterable[list[Any]]:
    """Group what is about the same times: an approval has another end once it is extended."""
    groups: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for one in sent:
        text = one.text if isinstance(one, Mailed) else one.card["content"]["description"]
        groups[tuple(_TIME.findall(text)) if len(sent) > 1 else ()].append(one)
    return groups.values()


def _twice(
    history: History, attempt: Attempt, what: str, sent: list[Published] | list[Mailed]
) -> Iterator[Violation]:
    for first, second in pairwise(sent):
        start, end = first.composed - SKEW, second.at
        if "failure" in what:  # sent by an asynchronous invocation, which Lambda repeats
            start -= LAMBDA_REPEATS
        # An extension that is written just then is read by the notification before it, too.
        if any(start - FOLLOWS <= stored.at <= first.at for stored in attempt.extensions):
            continue
        if not any(_unanswered(fault, start, end) for fault in history.patience.faults):
            yield Violation(
                "notified twice",
                second.at,
                f"{attempt.scan}: {what} at {first.at:.1f} and {second.at:.1f}",
            )


def _unanswered(fault: Faulted, start: float, end: float) -> bool:
    sends = any(item in fault.call for item in ("Publish", "SendEmail", "notify"))
    return (
        fault.fault in UNANSWERED
        and fault.at <= end
        and fault.until >= start
        and (sends or fault.fault == "outage")
    )


def subject(mail: Mailed) -> str:
    """Which outcome an email is about."""
    text = mail.subject.partition("] ")[2]
    return next((name for start, name in SUBJECTS if text.startswith(start)), mail.subject)


def by_kind(attempt: Attempt) -> dict[str, list[Published]]:
    result: dict[str, list[Published]] = defaultdict(list)
    for card in attempt.cards:
        result[kind(card)].append(card)
    return result


def by_subject(attempt: Attempt) -> dict[str, list[Mailed]]:
    result: dict[str, list[Mailed]] = defaultdict(list)
    for mail in attempt.mails:
        result[subject(mail)].append(mail)
    return result
