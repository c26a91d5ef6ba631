"""Whether each version's tag followed its evidence.

Promises: docs/decisions.md, "The lifecycle of a request" (the clearance after each outcome) and
"Enforcement" (only ``passed`` and ``approved`` can be deployed); docs/simulation.md, "What must
hold": a version is not deployable for longer than 60 s after its evidence forbids it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS
from tests.simulation.model.subjects import Run, Version, Violation
from tests.simulation.model.wording import kind

DEPLOYABLE = {"passed", "approved"}


@dataclass(frozen=True, slots=True)
class Segment:
    """The values that the tag may have from ``since`` on."""

    since: float
    statuses: frozenset[str | None]


@dataclass(frozen=True, slots=True)
class Lag:
    """The tag said ``status`` until ``end``, although the evidence said otherwise ``since``."""

    status: str | None
    since: float
    start: float
    end: float
    instead: frozenset[str | None]


def violations(history: History) -> Iterator[Violation]:
    """Evaluate the tags of all versions."""
    for version in history.versions.values():
        segments = evidence(version)
        for lag in lags(history, version, segments):
            yield from _judge(history, version, lag)
        yield from _unfounded(version, segments)


def evidence(version: Version) -> list[Segment]:
    """The clearances that follow from the evidence of ``version`` over time."""
    times = {-inf}
    for attempt in version.attempts:
        times |= {attempt.evaluated, attempt.decided, attempt.withdrawn, *attempt.ends(-inf, inf)}
    segments: list[Segment] = []
    for since in sorted(times - {inf}):
        statuses = follows(version, since)
        if not segments or segments[-1].statuses != statuses:
            segments.append(Segment(since, statuses))
    return segments


def follows(version: Version, at: float) -> frozenset[str | None]:
    """The clearances that follow from the newest evaluated attempt; several if each is right.

    An approval that is withdrawn in its last minute may count as expired: clocks differ.
    """
    evaluated = [attempt for attempt in version.attempts if attempt.evaluated <= at]
    if not evaluated:
        return frozenset({None})
    last = evaluated[-1]
    if last.status != "failed" or last.decided > at:
        return frozenset({last.status})
    if last.outcome != "approved":
        return frozenset({last.outcome})
    end = last.end(at)
    over, withdrawn = at >= end, at >= last.withdrawn
    if withdrawn and over and last.withdrawn >= end - FOLLOWS:
        return frozenset({"withdrawn", "approval-expired"})
    return frozenset({"withdrawn" if withdrawn else "approval-expired" if over else "approved"})


def lags(history: History, version: Version, segments: list[Segment]) -> Iterator[Lag]:
    """Each period in which the tag contradicted the evidence."""
    gone = min(version.deleted, history.ended)
    starts = [(-inf, None), *((tag.at, tag.status) for tag in version.tags), (inf, None)]
    for (start, status), (until, _) in pairwise(starts):
        end = min(gone, until)
        lost: Segment | None = None
        has_been = False
        for segment in segments:
            if segment.since >= end:
                break
            if status in segment.statuses:
                if lost and segment.since > start:
                    yield Lag(status, lost.since, start, segment.since, lost.statuses)
                has_been, lost = True, None
            elif has_been:
                lost = lost or segment
            else:  # the evidence never said so: the tag is wrong from its start
                lost = Segment(max(start, segment.since), segment.statuses)
        if lost and end > start:
            yield Lag(status, lost.since, start, end, lost.statuses)


def wrong(history: History, version: Version, start: float, end: float) -> bool:
    """Whether the tag was wrong, and not only late, at some point in this period.

    It is not late if the execution that would set it has failed: nothing follows.
    """
    over = gave_up(history, version, end)
    return any(
        max(lag.start, lag.since if over else history.patience.deadline(lag.since)) <= end
        and lag.end > start
        for lag in lags(history, version, evidence(version))
    )


def wrong_throughout(history: History, version: Version, start: float, end: float) -> bool:
    """Whether the tag was wrong for the whole period, and with the same value."""
    return any(
        max(lag.start, history.patience.deadline(lag.since)) <= start and lag.end >= end
        for lag in lags(history, version, evidence(version))
    )


def _judge(history: History, version: Version, lag: Lag) -> Iterator[Violation]:
    late = history.patience.deadline(lag.since)
    if lag.end <= late:
        return
    deployable = lag.status in DEPLOYABLE and not lag.instead & DEPLOYABLE
    if not deployable and gave_up(history, version, lag.end):
        return
    what = "deployable too long" if deployable else "tag late"
    if lag.start > late and not deployable:
        what = "old status written"
    instead = " or ".join(sorted(map(str, lag.instead)))
    yield Violation(
        what,
        max(late, lag.start),
        f"{version.key} {version.id} is tagged {lag.status} until {lag.end:.1f}, but from its "
        f"evidence follows {instead} since {lag.since:.1f} (late after {late:.1f})",
    )


def _unfounded(version: Version, segments: list[Segment]) -> Iterator[Violation]:
    for tag in version.tags:
        if not any(
            tag.status in segment.statuses for segment in segments if segment.since <= tag.at
        ):
            yield Violation(
                "unfounded tag",
                tag.at,
                f"{version.key} {version.id} is tagged {tag.status} at {tag.at:.1f}, which no "
                "evidence ever said",
            )


def gave_up(history: History, version: Version, by: float) -> bool:
    """Whether an execution for it had failed by then, and a card said so, or SNS refused it.

    docs/faults.md, "card": the lifecycle ended differently, and a card says so; "alarm": a failed
    execution sets off an alarm.
    """
    return any(
        run.status == "FAILED" and run.ended <= by and failure_reported(history, run)
        for attempt in version.attempts
        for run in attempt.runs
    )


def failure_reported(history: History, run: Run) -> bool:
    """Whether a card said that an execution failed, or SNS refused even that one."""
    since = history.patience.before(run.ended)
    return any(
        kind(card) == "pipeline error" and run.started <= card.at <= run.ended + FOLLOWS
        for card in run.attempt.cards
    ) or history.patience.refused(since, run.ended, "sns", "Publish")
