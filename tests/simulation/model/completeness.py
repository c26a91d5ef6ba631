"""Whether nothing was lost and nothing doubled.

Promises: docs/simulation.md, "What must hold"; docs/decisions.md, "One decision per scan" and "The
lifecycle of a request" (the card and email of each outcome); docs/faults.md, "What is accepted".
"""

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from tests.simulation.model.clearance import failure_reported
from tests.simulation.model.doubled import by_kind, by_subject, doubled
from tests.simulation.model.history import History
from tests.simulation.model.patience import FOLLOWS, SKEW
from tests.simulation.model.subjects import Attempt, Version, Violation
from tests.simulation.model.wording import answered

# When an email that a scan did not pass must have been sent, in seconds after its gate result.
MAILED = 60.0
# Cards that may be sent more than once about one scan, each about another end of its approval.
REPEATED = ("expiring", "extended")
# Cards that say the same, if the approval was not yet notified.
INSTEAD = {"extended": ("approved",)}


def violations(history: History) -> Iterator[Violation]:
    """Evaluate the outcome of each upload."""
    for version in history.versions.values():
        yield from _scanned(history, version)
        for attempt in version.attempts:
            yield from doubled(history, attempt)
            yield from _failed_unreported(history, attempt)
            if attempt.runs and not _failed(attempt) and not gone(version, attempt):
                yield from _describe(history, attempt)
    for failed in history.function_failures:
        yield Violation("unexpected exception", failed.at, f"{failed.function}: {failed.error}")
    for run in history.runs:
        if run.ended == inf:
            yield Violation(
                "never ended", history.ended, f"{run.execution} of {run.attempt.scan} goes on"
            )


def gone(version: Version, attempt: Attempt) -> bool:
    """Whether the version was deleted before its scan could end."""
    return version.deleted < max((run.ended for run in attempt.runs), default=0)


def _failed(attempt: Attempt) -> bool:
    return any(run.status == "FAILED" for run in attempt.runs)


def _scanned(history: History, version: Version) -> Iterator[Violation]:
    """Each upload is scanned; people are notified of the outcome, unless it passed."""
    first = [attempt for attempt in version.attempts if attempt.number == 1 and attempt.runs]
    if not first:
        yield Violation("never scanned", version.uploaded, f"{version.key} {version.id}")


def _failed_unreported(history: History, attempt: Attempt) -> Iterator[Violation]:
    """A failed execution is reported in the channel, unless SNS refuses even that card."""
    for run in attempt.runs:
        if run.status != "FAILED":
            continue
        if not failure_reported(history, run):
            yield Violation("failure not notified", run.ended, f"{attempt.scan}: {run.execution}")
        since = history.patience.before(run.ended)
        if not history.patience.any(since, run.ended) and not gone(attempt.version, attempt):
            yield Violation("failed without a fault", run.ended, f"{attempt.scan}: {run.execution}")


def _describe(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Each outcome has its card and, if there is one, its email, at the right time."""
    if attempt.status is None:
        yield Violation("never evaluated", history.ended, f"{attempt.scan} has no gate-result.json")
        return
    cards = by_kind(attempt)
    mails = by_subject(attempt)
    for name, since, mailed in _expected(history, attempt):
        unsent = cards.get(f"unsent {name}", [])
        late = history.patience.deadline(since, FOLLOWS + history.settings.approver_seconds)
        start = since - SKEW if name in REPEATED else 0.0
        sent = [card.at for kind in (name, *INSTEAD.get(name, ())) for card in cards.get(kind, ())]
        first = min(
            (at for at in (*sent, *(card.at for card in unsent)) if at > start), default=inf
        )
        refused = refused_card(history, attempt, name, since)
        if name in REPEATED and refused and first > late:
            first = inf  # that card is about a later end
        if first == inf and not refused:
            yield Violation("not notified", history.ended, f"{attempt.scan}: no card {name!r}")
        if late < first < inf:
            yield Violation(
                "notified late",
                first,
                f"{attempt.scan}: card {name!r} at {first:.1f}, {first - since:.0f} s after it was "
                f"due, late after {late:.1f}",
            )
        # A card reports a refused email, and may be refused, too.
        nowhere = first == inf and refused and _unmailable(history, since)
        kinds = (name, *INSTEAD.get(name, ()))
        unmailed = all(mail.at < start for kind in kinds for mail in mails.get(kind, ()))
        if mailed and unmailed and not unsent and not nowhere:
            yield Violation("no email", history.ended, f"{attempt.scan}: no mail {name!r}")
    for mail in attempt.mails:
        if not mail.to:
            yield Violation("email without recipient", mail.at, f"{attempt.scan}: {mail.subject}")
    yield from _failure_mailed(history, attempt)
    yield from _open_request(history, attempt)
    if "restsOn" in attempt.decision:
        yield from _quiet(history, attempt)


def _failure_mailed(history: History, attempt: Attempt) -> Iterator[Violation]:
    """A failure is mailed at once, unless a call failed meanwhile, or a newer version is there.

    Lambda retries after one minute and after two, then gives up.
    """
    name = {"failed": "failure", "error": "scan failure"}.get(attempt.status or "")
    late = attempt.evaluated + MAILED
    closed = attempt.decided < late or attempt.version.deleted < late or attempt.version.later
    failing = history.patience.any(attempt.evaluated - FOLLOWS, late)
    mailed = history.settings.failure_emails
    if mailed and name and name not in by_subject(attempt) and not closed and not failing:
        yield Violation("no email", history.ended, f"{attempt.scan}: no mail {name!r}")


Event = tuple[str, float, bool]


def _expected(history: History, attempt: Attempt) -> Iterator[Event]:
    """The notifications due about a scan: which card, since when, and whether also by email."""
    if attempt.status == "error":
        yield "scan error", attempt.evaluated, False
    if attempt.status != "failed":
        return
    if "restsOn" in attempt.decision:
        yield from _expected_of_resting(history, attempt)
        return
    yield "failed", attempt.evaluated, False
    due = history.escalated(attempt)
    if attempt.decided > history.patience.deadline(due):
        yield "escalated", due, False
    since = attempt.decided
    if attempt.outcome in ("rejected", "request-expired", "superseded"):
        yield attempt.outcome, since, attempt.outcome != "superseded"
    elif attempt.outcome == "approved":
        yield from _expected_of_approval(history, attempt)


def _expected_of_approval(history: History, attempt: Attempt) -> Iterator[Event]:
    patience, settings, since = history.patience, history.settings, attempt.decided
    # An approval that is withdrawn or expires before its notification is only reported as that.
    known = patience.deadline(since, FOLLOWS + settings.approver_seconds)
    if attempt.holds_until > known:
        yield "approved", since, True
    terms = attempt.terms()
    for (since, end), (until, _) in pairwise((*terms, (inf, inf))):
        known = patience.deadline(since, FOLLOWS + settings.approver_seconds)
        if since > attempt.decided and attempt.holds_until > known:
            yield "extended", since, True
        due = end - settings.remind
        replaced = min(attempt.withdrawn, until)
        if settings.remind and due > known and replaced > patience.deadline(due):
            yield "expiring", due, True
    if attempt.withdrawn < attempt.until - FOLLOWS:
        yield "withdrawn", attempt.withdrawn, True
    elif attempt.withdrawn == inf:
        yield "approval-expired", max(attempt.decided, attempt.until), True


def _expected_of_resting(history: History, attempt: Attempt) -> Iterator[Event]:
    """What rests on another's exception is notified once; what follows is on that one's cards."""
    known = history.patience.deadline(attempt.decided)
    if attempt.holds_until > known:
        yield "approved", attempt.decided, True
    own = attempt.own_withdrawal
    if own < attempt.until - FOLLOWS and attempt.root and own < attempt.root.withdrawn - FOLLOWS:
        yield "withdrawn", own, True


def _quiet(history: History, attempt: Attempt) -> Iterator[Violation]:
    """Of the end of another's exception only that one's cards tell, except right at the start."""
    cards = by_kind(attempt)
    ends = ("expiring", "extended", "approval-expired", "withdrawn")
    known = history.patience.deadline(attempt.decided)
    if attempt.own_withdrawal == inf and attempt.holds_until > known + SKEW:
        for name in ends:
            for card in cards.get(name, ()):
                yield Violation("not quiet", card.at, f"{attempt.scan}: card {name!r}")
    if "failed" in cards:
        yield Violation("asked although covered", attempt.evaluated, attempt.scan)
    notified = {"approved", *ends}
    silent = not cards.keys() & {*notified, *(f"unsent {name}" for name in notified), "delayed"}
    if silent and not refused_card(history, attempt, "approved", attempt.decided):
        yield Violation("not notified", history.ended, f"{attempt.scan}: no card at all")


def _open_request(history: History, attempt: Attempt) -> Iterator[Violation]:
    """A request is closed by a newer version, or at the latest when it expires."""
    if attempt.status != "failed":
        return
    if not attempt.decision:
        yield Violation("never decided", history.ended, f"{attempt.scan} is left open")
        return
    opened = history.opened(attempt)
    for newer in attempt.version.later:
        begun = min(map(_superseding, newer.attempts), default=inf)
        since = max(opened, begun)
        late = history.patience.deadline(since)
        if newer.deleted < late or begun == inf:
            continue
        # docs/faults.md: if the call to supersede is always refused, a click or the end of
        # the window closes the request.
        refused = history.patience.refused(
            since - FOLLOWS, late, "Invoke open-scan", "lambda", "s3", by="open-scan"
        )
        if attempt.decided > late and not refused:
            yield Violation(
                "replaced request left open",
                late,
                f"{attempt.scan} is open until {attempt.decided:.1f}, though {newer.id} is being "
                f"scanned since {begun:.1f} and people were asked at {opened:.1f}",
            )
            return


def _unmailable(history: History, since: float) -> bool:
    """Whether each attempt to write or send the email due ``since`` was refused.

    docs/faults.md, "An approval's card that SNS refuses": then only the answer reports it.
    """
    late = history.patience.deadline(since)
    calls = ("Invoke notify", "lambda", "s3", "sesv2")
    return history.patience.refused(since - FOLLOWS, late, *calls, by="notify")


def _superseding(attempt: Attempt) -> float:
    """When an execution started that got far enough to supersede others; infinite if none."""
    runs = [run for run in attempt.runs if attempt.builds or run.status != "FAILED"]
    return min((run.started for run in runs), default=inf)


def refused_card(history: History, attempt: Attempt, name: str, since: float) -> bool:
    """Whether SNS refused a card that was due ``since``, and docs/faults.md accepts its loss.

    An escalation is not repeated; a reminder also has an email; and an approval is reported by the
    answer to the click, or the email ("answer").
    """
    settings = history.settings
    if name == "expiring":
        due = since
    elif name == "escalated":
        due = history.escalated(attempt)
    elif name == "approved" and (
        "approved" in by_subject(attempt)
        or any(
            answered(click) and str(click.answer).startswith(("Approved: ", "Recorded as approved"))
            for click in attempt.clicks
        )
    ):
        due = attempt.decided + settings.approver_seconds
    else:
        return False
    late = history.patience.deadline(due)
    return history.patience.refused(due - FOLLOWS, late, "sns", "Publish")
