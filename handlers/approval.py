"""Lambda behind the buttons: records the channel's decision about a scan, or a withdrawal.

decision.json and withdrawal.json are write-once, so the first writer of each decides. The task
token only resumes the state machine, which then reads them. So clicks are idempotent: repeated,
concurrent, or after a crash between the write and the resumption.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from domain import decisions, durations, timestamps
from domain.json_values import as_dict, as_list
from domain.sanitize import line
from domain.scan_id import SCAN_ID
from domain.stored_objects import StoredObject
from handlers import aws, parallel, versions
from handlers.evidence import Evidence, waiting
from handlers.mrkdwn import text
from handlers.resume import resume_execution, status

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
DEFAULT_PERIOD = timedelta(seconds=int(os.environ["EXCEPTION_SECONDS"]))
SHORTEST, MAX_PERIOD = (
    timedelta(minutes=1),
    timedelta(seconds=int(os.environ["MAX_EXCEPTION_SECONDS"])),
)
DECISIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}
# The state of the execution after an action was recorded; see ``_resume``.
RESUMED, CONTINUES, ENDED = "resumed", "continues", "ended"

s3 = aws.client("s3")
sfn = aws.client("stepfunctions")


class InvalidAction(ValueError):
    """The event is not a valid payload of a button; the message is a sentence for people."""


@dataclass(frozen=True)
class Action:
    """``period`` is how long an approval is valid, None for the default."""

    scan: str
    decision: str
    reason: str
    period: timedelta | None = None


def handler(event: Any, context: object) -> str:
    """Return one plain sentence, also for invalid events and errors.

    Buttons send ``{"scan": id, VERB: reason}`` with the verb ``approve``, ``reject`` or
    ``withdraw``; approve may send ``[reason, days]``, where days is for example 14, 14d or 12h.
    """
    try:
        action = parse(event)
        return withdraw(action) if action.decision == "withdrawn" else decide(action)
    except InvalidAction as refusal:
        return str(refusal)
    except Exception:
        # The user sees the returned text, and is the only one who can retry.
        log.exception("click not handled")
        return "AWS error. Nothing was changed; try again in a few seconds."


def parse(event: Any) -> Action:
    """Return the action in ``event``.

    Raises:
        InvalidAction: ``event`` has no valid action.
    """
    event = as_dict(event)
    scan, verbs = event.get("scan"), DECISIONS.keys() & event.keys()
    if not isinstance(scan, str) or not SCAN_ID.fullmatch(scan) or len(verbs) != 1:
        raise InvalidAction("This is not a decision about a scan; use the buttons on its card.")
    verb = verbs.pop()
    value = event[verb]
    reason, days = value if verb == "approve" and _is_pair(value) else (value, "")
    return Action(scan, DECISIONS[verb], _reason(reason), _period(days))


def decide(action: Action) -> str:
    """Record the decision unless there is one, resume the state machine, return the answer."""
    evidence = Evidence(s3, ARTIFACTS_BUCKET, action.scan)
    open_request, scan = parallel.both(
        partial(waiting, s3, STATE_BUCKET, action.scan), partial(evidence.read, "scan.json")
    )
    if open_request is None or open_request["kind"] != "decision":
        return _not_waiting(evidence, scan)
    sha256, now = open_request["sha256"], timestamps.now()
    newest = versions.newer(s3, scan)
    if newest:
        decision = decisions.superseded(action.scan, sha256, now, newest)
    else:
        approved = action.decision == "approved"
        decision = decisions.decision(
            action.scan,
            sha256,
            now,
            decision=action.decision,
            reason=action.reason,
            expires_at=now + (action.period or DEFAULT_PERIOD) if approved else None,
        )
    stored = evidence.put_if_absent("decision.json", decision)
    resumption = _resume(evidence, ("decision",), stored, open_request)
    _log(action, stored, resumption)
    if not stored.written or newest:
        return _existing_decision(evidence, stored.document) + _note_if_ended(resumption)
    return _confirmation(decision) if resumption == RESUMED else _not_resumed(action, resumption)


def withdraw(action: Action) -> str:
    """Record the withdrawal of a valid approval, resume the state machine, return the answer."""
    evidence = Evidence(s3, ARTIFACTS_BUCKET, action.scan)
    approval, request = parallel.both(
        partial(evidence.get, "decision.json"), partial(waiting, s3, STATE_BUCKET, action.scan)
    )
    if approval is None:
        return f"Nothing to withdraw: nothing was decided about {action.scan} here."
    decision, now = approval.document, timestamps.now()
    if decision["decision"] != "approved":
        when = timestamps.minute(decision["decidedAt"])
        return f"Nothing to withdraw: {action.scan} was {decision['decision']} on {when}."
    if timestamps.is_over(decision["expiresAt"], now) and not evidence.get("withdrawal.json"):
        when = timestamps.minute(decision["expiresAt"])
        return f"Nothing to withdraw: the approval expired on {when}."
    stored = evidence.put_if_absent(
        "withdrawal.json",
        {
            "version": 1,
            "scan": action.scan,
            "reason": action.reason,
            "withdrawnAt": timestamps.iso(now),
            "evidence": {"decision.json": approval.sha256},
        },
    )
    # The state machine may still wait for the decision; it reads both documents then.
    resumption = _resume(evidence, ("decision", "exception"), stored, request)
    _log(action, stored, resumption)
    if not stored.written:
        current = stored.document
        return (
            f"Already withdrawn on {timestamps.minute(current['withdrawnAt'])}, "
            f"because: {text(current['reason'], 400)}. Nothing changed."
            + _note_if_ended(resumption)
        )
    if resumption == RESUMED:
        return f"Withdrawn: {action.scan} may not be deployed any more."
    return _not_resumed(action, resumption)


def _is_pair(value: Any) -> bool:
    return len(as_list(value)) == 2


def _reason(value: Any) -> str:
    reason = value.strip() if isinstance(value, str) else ""
    # The chat service sends the variable's name for a field that was left empty.
    legible = sum(map(str.isalnum, line(reason, 300)))
    if legible < 3 or len(reason) > 300 or reason == "$Reason":
        raise InvalidAction(
            "Nothing was decided: give a reason of 3 to 300 characters, then try again."
        )
    return line(reason, 300)


def _period(value: Any) -> timedelta | None:
    value = str(value).strip() if isinstance(value, str | int) else "?"
    if value in ("", "$Days"):
        return None
    seconds = durations.seconds(value, default_unit="d") or 0
    if not SHORTEST.total_seconds() <= seconds <= MAX_PERIOD.total_seconds():
        raise InvalidAction(
            f"Nothing was decided: Days is how long it holds, such as 14 or 12h, at most "
            f"{_days(MAX_PERIOD)}; leave it empty for {_days(DEFAULT_PERIOD)}. Then try again."
        )
    return timedelta(seconds=seconds)


def _days(period: timedelta) -> str:
    whole = period // timedelta(days=1)
    if not whole:
        return str(period)
    return f"{whole} day{'' if whole == 1 else 's'}"


def _resume(evidence: Evidence, kinds: Sequence[str], stored: StoredObject, request: Any) -> str:
    """Resume the state machine, which then reads the documents; return what happens next.

    ``RESUMED``; ``CONTINUES``: it does not wait now, or was resumed by S3's event or another click;
    ``ENDED``: the execution ended without processing the document, and nothing follows.

    ``request`` was read before ``stored`` was written; its token is sent at once. The request is
    read again, since there may be a newer one. The callback stores a token before it looks for the
    document, and this writes the document before it looks for a token, so no wait is missed.
    """

    def send(request: Any) -> bool:
        return bool(
            request and request["kind"] in kinds and resume_execution(sfn, request["token"])
        )

    current, resumed = parallel.both(
        partial(waiting, s3, STATE_BUCKET, evidence.scan), partial(send, request)
    )
    if resumed or (current != request and send(current)):
        return RESUMED
    ended = status(sfn, evidence.read("scan.json")["execution"])
    # An older document may have been processed by an execution that AWS no longer knows.
    followed = ("RUNNING", "SUCCEEDED") if stored.written else ("RUNNING", "SUCCEEDED", "FORGOTTEN")
    return CONTINUES if ended in followed else ENDED


def _log(action: Action, stored: StoredObject, resumption: str) -> None:
    log.info(
        "action handled",
        extra={
            "scan": action.scan,
            "action": action.decision,
            "stored": stored.document.get("decision", "withdrawn"),
            "first": stored.written,
            "resumed": resumption != ENDED,
        },
    )


def _not_waiting(evidence: Evidence, scan: Any) -> str:
    if decision := evidence.read("decision.json"):
        return _existing_decision(evidence, decision)
    if scan:
        return (
            f"{evidence.scan} is not waiting for a decision; if its card has just appeared, try "
            "again in a few seconds."
        )
    return f"There is no scan {evidence.scan} here."


def _confirmation(decision: Mapping[str, Any]) -> str:
    if decision["decision"] == "approved":
        until = timestamps.minute(decision["expiresAt"])
        return f"Approved: {decision['scan']} may be deployed until {until}."
    return f"Rejected: {decision['scan']} stays blocked."


def _not_resumed(action: Action, resumption: str) -> str:
    waits = (
        " The workflow has not resumed yet: a card follows. If none appears within a minute, "
        "open the execution."
    )
    return f"Recorded as {action.decision}: {action.scan}.{_note_if_ended(resumption) or waits}"


def _note_if_ended(resumption: str) -> str:
    if resumption != ENDED:
        return ""
    return (
        " But its execution is over, and nothing follows: the version keeps its clearance. The "
        "runbook says what to do, under: executions that ended early."
    )


def _existing_decision(evidence: Evidence, decision: Mapping[str, Any]) -> str:
    outcome, when = decision["decision"], timestamps.minute(decision["decidedAt"])
    if outcome == "request-expired":
        return f"Too late: nobody had decided by {when}; upload again to have it scanned again."
    if outcome == "superseded":
        return "Too late: a newer version has been uploaded; it is decided on its own card."
    if outcome == "approved":
        if back := evidence.read("withdrawal.json"):
            return (
                f"Too late: it was approved on {when}, and withdrawn on "
                f"{timestamps.minute(back['withdrawnAt'])}, because: {text(back['reason'], 400)}."
            )
        if timestamps.is_over(decision["expiresAt"], timestamps.now()):
            return (
                f"Too late: it was approved on {when}, and the approval expired on "
                f"{timestamps.minute(decision['expiresAt'])}; upload again to have it scanned "
                "again."
            )
    return (
        f"Already {outcome} on {when}, because: {text(decision['reason'], 400)}. "
        "A scan is decided once; nothing changed."
    )
