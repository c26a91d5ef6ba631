"""The texts about an outcome of a failed gate, which card and email share."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from domain import timestamps
from domain.sanitize import line


class Outcome(NamedTuple):
    """Plain texts, which card and email escape; ``mark`` is an emoji.

    If ``subject`` is empty, no email is sent.
    """

    event: str
    mark: str
    headline: str
    subject: str
    lead: str
    reason: str | None
    next_steps: tuple[str, ...]


AGAIN = "Fix the findings and upload again: a new version is scanned at once."


def describe(
    event: str,
    zip_name: str,
    decision: Mapping[str, Any] | None,
    withdrawal: Mapping[str, Any] | None,
    until: str,
) -> Outcome:
    """Return the texts for ``event``.

    It is ``escalated`` (the request expires soon, at ``until``), ``approved``, ``rejected``,
    ``request-expired``, ``superseded``; for an approval, ``expiring``, ``approval-expired`` or
    ``withdrawn``. ``decision`` is decision.json, required except for ``escalated``; ``withdrawal``
    is withdrawal.json.
    """
    zip_name = line(zip_name, 200)
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
    assert decision
    match event:
        case "approved":
            day = timestamps.day(decision["expiresAt"])
            until = timestamps.minute(decision["expiresAt"])
            return Outcome(
                event=event,
                mark="✅",
                headline=f"approved until {day}",
                subject=f"Approved until {day}: quality gate exception",
                lead=f"{zip_name} failed its quality gate, and was approved as an exception in "
                f"Slack. It may be deployed until {until}.",
                reason=decision["reason"],
                next_steps=(
                    f"Deploy this version if you need it; from {until} on it is blocked again.",
                    "Fix the findings and upload again before that day: the exception is for "
                    "this version only.",
                ),
            )
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
        case "approval-expired":
            day = timestamps.day(decision["expiresAt"])
            return Outcome(
                event=event,
                mark="⌛",
                headline=f"approval expired on {day}",
                subject=f"Expired on {day}: quality gate exception",
                lead=f"The exception for {zip_name}, approved on "
                f"{timestamps.day(decision['decidedAt'])}, has expired. This version can no longer "
                "be deployed; what already runs is not touched.",
                reason=decision["reason"],
                next_steps=(
                    "Replace this version where it still runs.",
                    AGAIN,
                ),
            )
        case "expiring":
            day = timestamps.day(decision["expiresAt"])
            until = timestamps.minute(decision["expiresAt"])
            return Outcome(
                event=event,
                mark="⏰",
                headline=f"approval expires on {day}",
                subject=f"Expires on {day}: quality gate exception",
                lead=f"The exception for {zip_name}, approved on "
                f"{timestamps.day(decision['decidedAt'])}, expires on {until}. From then on this "
                "version cannot be deployed.",
                reason=decision["reason"],
                next_steps=("Replace this version before then where it runs.", AGAIN),
            )
        case "withdrawn":
            assert withdrawal
            return Outcome(
                event=event,
                mark="🚫",
                headline="approval withdrawn",
                subject="Withdrawn: quality gate exception",
                lead=f"The exception for {zip_name}, which would have been valid until "
                f"{timestamps.minute(decision['expiresAt'])}, was withdrawn by the channel. This "
                "version can no longer be deployed; what already runs is not touched.",
                reason=withdrawal["reason"],
                next_steps=("Replace this version where it still runs.", AGAIN),
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
            raise ValueError(f"unknown event: {event!r}")
