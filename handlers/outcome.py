"""The texts about an outcome of a failed gate, which card and email share."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from domain import timestamps
from domain.sanitize import line


class Outcome(NamedTuple):
    """Plain texts, which card and email escape; ``mark`` is an emoji.

    If ``subject`` is empty, no email is sent. ``by`` is what the people did who are named, joined
    by ``joined``: *or* if it is not known who of them.
    """

    event: str
    mark: str
    headline: str
    subject: str
    lead: str
    reason: str | None
    next_steps: tuple[str, ...]
    by: str = "Decided"
    joined: str = "or"
    warning: str = ""


class Context(NamedTuple):
    """What follows from other documents than the decision; each may be missing.

    ``ends`` is when the approval ends, by its extensions or by the exception of ``root``, the
    upload that it rests on. ``covers``: it covers later versions, too; ``resting`` names those
    that rest on it, and says how many more do. ``extension`` is the last one that counts.
    ``approvals`` are the reasons of those who approved so far, of ``needed`` people.
    """

    ends: str = ""
    root: str = ""
    covers: bool = False
    resting: str = ""
    extension: Mapping[str, Any] | None = None
    approvals: Sequence[str] = ()
    needed: int = 2


NO_CONTEXT = Context()
AGAIN = "Fix the findings and upload again: a new version is scanned at once."


def describe(
    event: str,
    zip_name: str,
    decision: Mapping[str, Any] | None,
    withdrawal: Mapping[str, Any] | None,
    until: str,
    context: Context = NO_CONTEXT,
) -> Outcome:
    """Return the texts for ``event``.

    It is ``escalated`` or ``partly-approved`` (the request expires at ``until``), ``approved``,
    ``rejected``, ``request-expired``, ``superseded``; for an approval, ``extended``, ``expiring``,
    ``approval-expired`` or ``withdrawn``. ``decision`` is decision.json, required except for the
    first two; ``withdrawal`` is withdrawal.json.
    """
    zip_name = line(zip_name, 200)
    context = context._replace(root=line(context.root, 200), resting=line(context.resting, 200))
    if event in ("escalated", "partly-approved"):
        return _open(event, zip_name, until, context)
    assert decision
    match event:
        case "rejected":
            return Outcome(
                event=event,
                mark="⛔",
                headline="rejected",
                subject="Rejected: quality gate failed",
                lead=f"{zip_name} failed its quality gate, and the channel rejected it. "
                "This version stays blocked.",
                reason=decision["reason"],
                next_steps=(AGAIN,),
            )
        case "request-expired":
            return Outcome(
                event=event,
                mark="⌛",
                headline="request expired",
                subject="Request expired: quality gate failed",
                lead=f"{zip_name} failed its quality gate, and nobody approved or rejected it "
                "before the request expired. This version stays blocked.",
                reason=decision["reason"],
                next_steps=(
                    AGAIN,
                    "If it can't wait, upload again and ask the channel for an exception.",
                ),
            )
        case "superseded":
            return Outcome(
                event=event,
                mark="⏭️",
                headline="replaced by a newer version",
                subject="",
                lead=f"{zip_name} failed its quality gate, and a newer version was uploaded before "
                "anybody decided. This version stays blocked; the newer one has a card of its own.",
                reason=decision["reason"],
                next_steps=("Nothing to do here.",),
            )
        case _:
            return _approval(event, zip_name, decision, withdrawal, context)


def _open(event: str, zip_name: str, until: str, context: Context) -> Outcome:
    if event == "escalated":
        return Outcome(
            event=event,
            mark="🔔",
            headline="decision still pending",
            subject="",
            lead=f"{zip_name} failed its quality gate and waits for Approve or Reject. On "
            f"{timestamps.minute(until)} the request expires, and this version stays blocked.",
            reason=None,
            next_steps=("Click Approve or Reject here, or on the card above.",),
        )
    number = len(context.approvals)
    return Outcome(
        event=event,
        mark="☑️",
        headline=f"{number} of {context.needed} approvals",
        subject="",
        lead=f"{zip_name} failed its quality gate, and {number} of the {context.needed} people "
        "who must approve it has done so. It stays blocked until another person approves; a Reject "
        "of anybody ends it.",
        reason=" / ".join(context.approvals) or None,
        next_steps=(f"Somebody else: click Approve or Reject, until {timestamps.minute(until)}.",),
        by="Approved",
    )


def _approval(
    event: str,
    zip_name: str,
    decision: Mapping[str, Any],
    withdrawal: Mapping[str, Any] | None,
    context: Context,
) -> Outcome:
    ends = context.ends or decision["expiresAt"]
    day, until = timestamps.day(ends), timestamps.minute(ends)
    approved = f"The exception for {zip_name}, approved on {timestamps.day(decision['decidedAt'])},"
    replace = "Replace this version where it still runs."
    match event:
        case "approved" if context.root:
            return _under_exception(zip_name, decision, context, day, until)
        case "approved":
            scope = (
                "the exception covers this version, and later ones of this app that fail for "
                "nothing else."
                if context.covers
                else "the exception is for this version only."
            )
            by = " by two people" if len(decision.get("approvals", ())) > 1 else ""
            return Outcome(
                event=event,
                mark="✅",
                headline=f"approved until {day}",
                subject=f"Approved until {day}: quality gate exception",
                lead=f"{zip_name} failed its quality gate, and was approved{by} as an exception in "
                f"Slack. It may be deployed until {until}.",
                reason=decision["reason"],
                next_steps=(
                    f"Deploy this version if you need it; from {until} on it is blocked again.",
                    f"Fix the findings and upload again before that day: {scope}",
                ),
            )
        case "extended":
            assert context.extension
            return Outcome(
                event=event,
                mark="⏩",
                headline=f"approval extended until {day}",
                subject=f"Extended until {day}: quality gate exception",
                lead=f"{approved} was extended. It now expires on {until}{_also_for(context)}.",
                reason=context.extension["reason"],
                next_steps=(
                    f"From {until} on this version is blocked again.",
                    "Fix the findings and upload again before that day.",
                ),
                by="Extended",
            )
        case "expiring":
            return Outcome(
                event=event,
                mark="⏰",
                headline=f"approval expires on {day}",
                subject=f"Expires on {day}: quality gate exception",
                lead=f"{approved} expires on {until}. From then on this version cannot be "
                f"deployed{_with(context)}.",
                reason=decision["reason"],
                next_steps=("Replace this version before then where it runs.", AGAIN),
            )
        case "approval-expired":
            return Outcome(
                event=event,
                mark="⌛",
                headline=f"approval expired on {day}",
                subject=f"Expired on {day}: quality gate exception",
                lead=f"{approved} has expired{_of_root(context)}. This version can no longer be "
                f"deployed{_with(context)}; what already runs is not touched.",
                reason=decision["reason"],
                next_steps=(replace, AGAIN),
            )
        case "withdrawn":
            assert withdrawal
            by = "the pipeline" if "rule" in withdrawal else "the channel"
            return Outcome(
                event=event,
                mark="🚫",
                headline="approval taken back" if "rule" in withdrawal else "approval withdrawn",
                subject="Withdrawn: quality gate exception",
                lead=f"The exception for {zip_name}, which would have been valid until "
                f"{until}, was withdrawn by {by}{_of_root(context)}. This version can no longer "
                f"be deployed{_with(context)}; what already runs is not touched.",
                reason=withdrawal["reason"],
                next_steps=(replace, AGAIN),
                by="Withdrawn",
            )
        case _:
            raise ValueError(f"unknown event: {event!r}")


def _under_exception(
    zip_name: str, decision: Mapping[str, Any], context: Context, day: str, until: str
) -> Outcome:
    return Outcome(
        event="approved",
        mark="✅",
        headline=f"approved until {day} under an exception",
        subject=f"Approved until {day} under an exception",
        lead=f"{zip_name} failed its quality gate only for what the exception of {context.root}, "
        f"covers. So it is approved under that exception, without a new question. It may be "
        f"deployed until {until}, when the exception expires.",
        reason=decision["reason"],
        next_steps=(
            f"Deploy this version if you need it. It is blocked again from {until} on, or once "
            "the exception is withdrawn.",
            "Fix the findings and upload again before that day.",
        ),
        by="Exception approved",
    )


def _with(context: Context) -> str:
    """The versions that have the same end."""
    return f", nor can those that rest on it: {context.resting}" if context.resting else ""


def _also_for(context: Context) -> str:
    return f", also for the versions that rest on it: {context.resting}" if context.resting else ""


def _of_root(context: Context) -> str:
    return f" with the exception of {context.root}" if context.root else ""
