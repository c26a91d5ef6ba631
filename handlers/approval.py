"""Lambda behind the buttons: records what the channel decides about one scan, once.

What decision.json says is the decision, and withdrawal.json takes an approval back; whoever writes
one first has done it. The task token only wakes the state machine, which then reads them. So it
does no harm to press twice, against each other, or after a crash between the two calls.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain import decisions, durations, timestamps
from domain.sanitize import line
from domain.scan_id import SCAN_ID
from domain.stored_objects import StoredObject
from handlers import versions
from handlers.evidence import Evidence, waiting
from handlers.mrkdwn import text
from handlers.wake import status, wake

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
USUAL = timedelta(seconds=int(os.environ["EXCEPTION_SECONDS"]))
SHORTEST, LONGEST = (
    timedelta(minutes=1),
    timedelta(seconds=int(os.environ["MAX_EXCEPTION_SECONDS"])),
)
DECISIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}
# What becomes of an answer that was written.
WOKEN, GOES_ON, OVER = "woken", "goes on", "over"


class NotAPress(ValueError):
    """What came is no button's payload; the message is a sentence for people."""


@dataclass(frozen=True)
class Press:
    """``period`` is how long an approval is to hold, where the person said so."""

    scan: str
    decision: str
    reason: str
    period: timedelta | None = None


def handler(event: Any, context: object) -> str:
    """Return one plain sentence, whatever ``event`` is.

    Buttons send ``{"scan": id, VERB: reason}`` with the verb ``approve``, ``reject`` or
    ``withdraw``; approve may send ``[reason, days]``, where days is as in 14, 14d or 12h.
    """
    try:
        press = parse(event)
        return withdraw(press) if press.decision == "withdrawn" else decide(press)
    except NotAPress as refusal:
        return str(refusal)
    except Exception:
        # People see what this returns, and nobody calls again but they.
        log.exception("press not handled")
        return "AWS did not answer as it should; press again in a few seconds, nothing is lost."


def parse(event: Any) -> Press:
    """Return what was pressed; raise ``NotAPress`` for anything else."""
    event = event if isinstance(event, dict) else {}
    scan, pressed = event.get("scan"), DECISIONS.keys() & event.keys()
    if not isinstance(scan, str) or not SCAN_ID.fullmatch(scan) or len(pressed) != 1:
        raise NotAPress("This is no decision about a scan; use the buttons on its card.")
    verb = pressed.pop()
    said = event[verb]
    reason, days = said if verb == "approve" and _is_pair(said) else (said, "")
    return Press(scan, DECISIONS[verb], _reason(reason), _period(days))


def decide(press: Press) -> str:
    """Record the decision unless there is one, wake the state machine, say what holds."""
    evidence = Evidence(ARTIFACTS_BUCKET, press.scan)
    open_request = waiting(STATE_BUCKET, press.scan)
    if open_request is None or open_request["kind"] != "decision":
        return _not_waiting(evidence)
    sha256, now = open_request["sha256"], timestamps.now()
    newest = versions.newer(evidence.read("scan.json"))
    if newest:
        decision = decisions.superseded(press.scan, sha256, now, newest)
    else:
        approved = press.decision == "approved"
        decision = decisions.decision(
            press.scan,
            sha256,
            now,
            decision=press.decision,
            reason=press.reason,
            expires_at=now + (press.period or USUAL) if approved else None,
        )
    stored = evidence.put_if_absent("decision.json", decision)
    heard = _wake(evidence, ("decision",), stored)
    _log(press, stored, heard)
    if not stored.written or newest:
        return _standing(evidence, stored.document) + _if_over(heard)
    return _said(decision) if heard == WOKEN else _unheard(press, heard)


def withdraw(press: Press) -> str:
    """Take an approval back that still holds, wake the state machine, say what holds."""
    evidence = Evidence(ARTIFACTS_BUCKET, press.scan)
    approval = evidence.get("decision.json")
    if approval is None:
        return f"Nothing to withdraw: nothing was decided about {press.scan} here."
    decision, now = approval.document, timestamps.now()
    if decision["decision"] != "approved":
        when = timestamps.minute(decision["decidedAt"])
        return f"Nothing to withdraw: {press.scan} was {decision['decision']} on {when}."
    if timestamps.is_over(decision["expiresAt"], now) and not evidence.get("withdrawal.json"):
        when = timestamps.minute(decision["expiresAt"])
        return f"Nothing to withdraw: the exception ended on {when}."
    stored = evidence.put_if_absent(
        "withdrawal.json",
        {
            "version": 1,
            "scan": press.scan,
            "reason": press.reason,
            "withdrawnAt": timestamps.iso(now),
            "evidence": {"decision.json": approval.sha256},
        },
    )
    # The state machine may not have heard of the approval yet: it reads both.
    heard = _wake(evidence, ("decision", "exception"), stored)
    _log(press, stored, heard)
    if not stored.written:
        standing = stored.document
        return (
            f"Already withdrawn on {timestamps.minute(standing['withdrawnAt'])}, "
            f"because: {text(standing['reason'], 400)}. Nothing changed." + _if_over(heard)
        )
    if heard == WOKEN:
        return f"Withdrawn: {press.scan} may not be deployed any more."
    return _unheard(press, heard)


def _is_pair(said: Any) -> bool:
    return isinstance(said, list) and len(said) == 2


def _reason(said: Any) -> str:
    reason = said.strip() if isinstance(said, str) else ""
    # A variable that nobody filled in arrives by its name.
    legible = sum(map(str.isalnum, line(reason, 300)))
    if legible < 3 or len(reason) > 300 or reason == "$Reason":
        raise NotAPress(
            "Nothing was decided: give a reason of 3 to 300 characters, then press again."
        )
    return line(reason, 300)


def _period(said: Any) -> timedelta | None:
    said = str(said).strip() if isinstance(said, str | int) else "?"
    if said in ("", "$Days"):
        return None
    seconds = durations.seconds(said, bare_unit="d") or 0
    if not SHORTEST.total_seconds() <= seconds <= LONGEST.total_seconds():
        raise NotAPress(
            f"Nothing was decided: Days is how long it holds, such as 14 or 12h, at most "
            f"{_days(LONGEST)}; leave it empty for {_days(USUAL)}. Then press again."
        )
    return timedelta(seconds=seconds)


def _days(period: timedelta) -> str:
    whole = period // timedelta(days=1)
    if not whole:
        return str(period)
    return f"{whole} day{'' if whole == 1 else 's'}"


def _wake(evidence: Evidence, waits_for: Sequence[str], stored: StoredObject) -> str:
    """Wake the state machine, which reads what stands; return ``WOKEN``, or why it was not.

    ``GOES_ON``: it is between two waits, or S3's event was faster, or somebody before; or nothing
    can be waited for right now. ``OVER``: nothing follows.
    """
    found = waiting(STATE_BUCKET, evidence.scan)
    if found and found["kind"] in waits_for and wake(found["token"]):
        return WOKEN
    ended = status(evidence.read("scan.json")["execution"])
    # What was written before may have been followed long ago.
    followed = ("RUNNING", "SUCCEEDED") if stored.written else ("RUNNING", "SUCCEEDED", "FORGOTTEN")
    return GOES_ON if ended in followed else OVER


def _log(press: Press, stored: StoredObject, heard: str) -> None:
    log.info(
        "action handled",
        extra={
            "scan": press.scan,
            "action": press.decision,
            "stored": stored.document.get("decision", "withdrawn"),
            "first": stored.written,
            "resumed": heard != OVER,
        },
    )


def _not_waiting(evidence: Evidence) -> str:
    if decision := evidence.read("decision.json"):
        return _standing(evidence, decision)
    if evidence.read("scan.json"):
        return (
            f"{evidence.scan} is not waiting for a decision; if its card has just appeared, press "
            "again in a few seconds."
        )
    return f"There is no scan {evidence.scan} here."


def _said(decision: Mapping[str, Any]) -> str:
    if decision["decision"] == "approved":
        until = timestamps.minute(decision["expiresAt"])
        return f"Approved: {decision['scan']} may be deployed until {until}."
    return f"Rejected: {decision['scan']} stays blocked."


def _unheard(press: Press, heard: str) -> str:
    waits = (
        " It takes effect with the card that says so; if none comes within a minute, look at the "
        "execution."
    )
    return f"Recorded as {press.decision}: {press.scan}.{_if_over(heard) or waits}"


def _if_over(heard: str) -> str:
    if heard != OVER:
        return ""
    return (
        " But its execution is over, and nothing follows: the version keeps its clearance. The "
        "runbook says what to do, under: executions that ended early."
    )


def _standing(evidence: Evidence, decision: Mapping[str, Any]) -> str:
    verdict, when = decision["decision"], timestamps.minute(decision["decidedAt"])
    if verdict == "request-expired":
        return f"Too late: nobody had decided by {when}; upload again to have it scanned anew."
    if verdict == "superseded":
        return "Too late: a newer version has been uploaded; it is decided on its own card."
    if verdict == "approved":
        if back := evidence.read("withdrawal.json"):
            return (
                f"Too late: it was approved on {when}, and withdrawn on "
                f"{timestamps.minute(back['withdrawnAt'])}, because: {text(back['reason'], 400)}."
            )
        if timestamps.is_over(decision["expiresAt"], timestamps.now()):
            return (
                f"Too late: it was approved on {when}, and the exception ended on "
                f"{timestamps.minute(decision['expiresAt'])}; upload again to have it scanned anew."
            )
    return (
        f"Already {verdict} on {when}, because: {text(decision['reason'], 400)}. "
        "A scan is decided once; nothing changed."
    )
