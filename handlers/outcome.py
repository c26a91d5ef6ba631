"""What became of a failed gate, in the words that the channel and the mail share."""

from dataclasses import dataclass
from typing import Any

from handlers import moment
from handlers.outside import line


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Plain lines, to be escaped where they go; ``mark`` is an emoji."""

    event: str
    mark: str
    headline: str
    subject: str
    lead: str
    next_steps: tuple[str, ...]


def tell(event: str, zip_name: str, decision: dict[str, Any]) -> Outcome:
    """Return the outcome ``event``: ``approved``, ``rejected``, ``expired`` or ``ended``.

    ``decision`` is decision.json; the events of an exception need its ``until``.
    """
    zip_name = line(zip_name, 200)
    match event:
        case "approved":
            day, until = moment.day(decision["until"]), moment.minute(decision["until"])
            return Outcome(
                event=event,
                mark="✅",
                headline=f"approved until {day}",
                subject=f"Approved until {day}: quality gate exception",
                lead=f"{zip_name} failed its quality gate, and the channel let this version "
                f"through as an exception. It may be deployed until {until}.",
                next_steps=(
                    f"Deploy this version if you need it; from {until} on it is blocked again.",
                    "Mend what failed and upload again before that day: the exception is for "
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
                next_steps=(
                    "Mend what failed and upload again: a new version is scanned at once.",
                ),
            )
        case "expired":
            return Outcome(
                event=event,
                mark="⌛",
                headline="nobody decided in time",
                subject="Expired: nobody decided about the failed quality gate",
                lead=f"{zip_name} failed its quality gate, and nobody approved or rejected it in "
                "time. This version stays blocked.",
                next_steps=(
                    "Mend what failed and upload again: a new version is scanned at once.",
                    "If it can't wait, upload again and ask the channel for an exception.",
                ),
            )
        case "ended":
            day = moment.day(decision["until"])
            return Outcome(
                event=event,
                mark="⌛",
                headline=f"exception ended on {day}",
                subject=f"Ended on {day}: quality gate exception",
                lead=f"The exception for {zip_name}, approved on "
                f"{moment.day(decision['decidedAt'])}, has ended. This version can no longer be "
                "deployed; what already runs is not touched.",
                next_steps=(
                    "Replace this version where it still runs.",
                    "Mend what failed and upload again: a new version is scanned at once.",
                ),
            )
    raise ValueError(f"unknown event: {event!r}")
