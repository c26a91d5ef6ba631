"""Lambda behind the buttons: records what the channel decides about a scan.

A decision, an extension or a withdrawal is a document that is written once, so the first writer of
each decides. The task
token only resumes the state machine, which then reads them. So clicks are idempotent: repeated,
concurrent, or after a crash between the write and the resumption.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from domain import approvals, decisions, durations, quorum, timestamps
from domain.approvals import LAST_MINUTE, Documents, Validity
from domain.json_values import as_dict, as_list
from domain.sanitize import line
from domain.scan_id import SCAN_ID
from domain.stored_objects import StoredObject
from handlers import aws, parallel, resting, versions
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
# How many people must approve.
APPROVALS = int(os.environ["APPROVALS"])
# A replaced version is deleted after this time.
STORED = timedelta(days=int(os.environ["STORED_DAYS"]))
# An execution of Step Functions lives a year, and expires the approval at its end.
LIFETIME = timedelta(days=360)
# Documents of one kind about one scan, so that clicks cannot pile up.
MOST_CLICKS, MOST_EXTENSIONS = 20, 100
# Scans that rest on a withdrawn exception and are resumed by the click; S3's event resumes all.
MOST_RESUMED = 50
DECISIONS = {
    "approve": "approved",
    "reject": "rejected",
    "extend": "extended",
    "withdraw": "withdrawn",
}
# The state of the execution after an action was recorded; see ``_resume``.
RESUMED, CONTINUES, ENDED = "resumed", "continues", "ended"

s3 = aws.client("s3")
sfn = aws.client("stepfunctions")


class InvalidAction(ValueError):
    """The event is not a valid payload of a button; the message is a sentence for people."""


@dataclass(frozen=True)
class Action:
    """``period`` is how long an approval or extension is valid, None for the default."""

    scan: str
    decision: str
    reason: str
    period: timedelta | None = None


def handler(event: Any, context: object) -> str:
    """Return one plain sentence, also for invalid events and errors.

    Buttons send ``{"scan": id, VERB: reason}`` with the verb ``approve``, ``reject``, ``extend`` or
    ``withdraw``; approve and extend may send ``[reason, days]``, where days is for example 14, 14d
    or 12h.
    """
    try:
        action = parse(event)
        handle = {"withdrawn": withdraw, "extended": extend}.get(action.decision, decide)
        return handle(action)
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
    asks_days = verb in ("approve", "extend")
    reason, days = value if asks_days and _is_pair(value) else (value, "")
    done = DECISIONS[verb] if verb in ("extend", "withdraw") else "decided"
    try:
        return Action(scan, DECISIONS[verb], _reason(reason), _period(days))
    except InvalidAction as refusal:
        raise InvalidAction(f"Nothing was {done}: {refusal}, then try again.") from None


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
        if approved and APPROVALS > 1:
            return _approve_with_others(action, evidence, open_request, now)
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
    approval, request, names = _current(evidence)
    if approval is None:
        return f"Nothing to withdraw: nothing was decided about {action.scan} here."
    decision, now = approval.document, timestamps.now()
    if decision["decision"] != "approved":
        when = timestamps.minute(decision["decidedAt"])
        return f"Nothing to withdraw: {action.scan} was {decision['decision']} on {when}."
    own, root = evidence.documents(decision, names), evidence.root_documents(decision)
    ended = approvals.validity(own, root, now)
    if ended.status == "approval-expired" or (ended.status == "withdrawn" and not own.withdrawal):
        return f"Nothing to withdraw: {_over(ended, own, root)}."
    stored = evidence.put_if_absent(
        "withdrawal.json",
        decisions.withdrawal(action.scan, approval.sha256, now, action.reason),
    )
    # The state machine may still wait for the decision; it reads both documents then.
    resumption = _resume(evidence, ("decision", "exception"), stored, request)
    resting.resume(s3, sfn, STATE_BUCKET, action.scan, MOST_RESUMED)
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


def extend(action: Action) -> str:
    """Record that a valid approval holds longer, resume the state machine, return the answer."""
    evidence = Evidence(s3, ARTIFACTS_BUCKET, action.scan)
    approval, request, names = _current(evidence)
    if approval is None:
        return f"Nothing to extend: nothing was decided about {action.scan} here."
    decision, now = approval.document, timestamps.now()
    # To the second, as documents have it.
    end = timestamps.parse(timestamps.iso(now + (action.period or DEFAULT_PERIOD)))
    own, root = evidence.documents(decision, names), evidence.root_documents(decision)
    refusal = _not_extendable(action.scan, own, root, now) or _too_long(evidence, end)
    if refusal:
        return f"Nothing was extended: {refusal}."
    until = approvals.ends(decision, own.extensions)
    if end <= until:
        return (
            f"Nothing was extended: {action.scan} may be deployed until {_minute(until)} already. "
            "Give more days, or use Withdraw to end it earlier."
        )
    stored = evidence.put_if_absent(
        f"extensions/{len(own.extensions) + 1}.json",
        {
            "version": 1,
            "scan": action.scan,
            "reason": action.reason,
            "extendedAt": timestamps.iso(now),
            "expiresAt": timestamps.iso(end),
            "evidence": {"decision.json": approval.sha256},
        },
    )
    # The state machine may still wait for the decision; it reads both documents then.
    resumption = _resume(evidence, ("decision", "exception"), stored, request)
    _log(action, stored, resumption)
    current = stored.document
    if not stored.written:
        return (
            f"Somebody else was faster: it was extended until "
            f"{timestamps.minute(current['expiresAt'])}, because: {text(current['reason'], 400)}. "
            "Nothing changed." + _note_if_ended(resumption)
        )
    return (
        f"Extended: {action.scan} may be deployed until {timestamps.minute(current['expiresAt'])}."
        + _note_if_ended(resumption)
    )


def _current(evidence: Evidence) -> tuple[StoredObject | None, Any, list[str]]:
    """Return decision.json, the request that waits, and the names of all documents."""
    reads: list[Callable[[], Any]] = [
        partial(evidence.get, "decision.json"),
        partial(waiting, s3, STATE_BUCKET, evidence.scan),
        evidence.names,
    ]
    decision, request, names = parallel.map_all(lambda read: read(), reads)
    return decision, request, names


def _not_extendable(scan: str, own: Documents, root: Documents | None, now: datetime) -> str | None:
    """Return why what was decided about ``scan`` cannot be extended, None if it can."""
    decision = own.decision
    assert decision
    if decision["decision"] != "approved":
        when = timestamps.minute(decision["decidedAt"])
        return f"{scan} was {decision['decision']} on {when}"
    validity = approvals.validity(own, root, now)
    if validity.status != "approved":
        return _over(validity, own, root)
    if root:
        return (
            f"it is approved under the exception of {decision['restsOn']['scan']}; extend that one"
        )
    if APPROVALS > 1 or "approvals" in decision:
        return (
            "more than one person must approve, and one must not prolong that; scan the version "
            "again, or upload again"
        )
    assert validity.ends
    if now + LAST_MINUTE > validity.ends:
        return "the approval expires within a minute"
    if len(own.extensions) >= MOST_EXTENSIONS:
        return f"it was extended {MOST_EXTENSIONS} times; upload again"
    return None


def _too_long(evidence: Evidence, end: datetime) -> str | None:
    """Return why the version could not be approved until ``end``, None if it can."""
    scan = evidence.read("scan.json")
    latest = timestamps.parse(scan["uploadedAt"]) + LIFETIME
    if end > latest:
        return (
            f"an approval ends {LIFETIME.days} days after the upload at the latest, here on "
            f"{_minute(latest)}; give fewer days, or upload again"
        )
    replaced = versions.replaced_at(s3, scan)
    if replaced and end > replaced + STORED:
        return (
            f"a newer version replaced this one, which is deleted on "
            f"{_minute(replaced + STORED)}; give fewer days, or upload again"
        )
    return None


def _over(validity: Validity, own: Documents, root: Documents | None) -> str:
    """Return how an approval ended."""
    assert validity.since
    how = "expired" if validity.status == "approval-expired" else "was withdrawn"
    at = own.withdrawal and timestamps.parse(own.withdrawal["withdrawnAt"])
    what = "the exception that it rests on" if root and at != validity.since else "the approval"
    return f"{what} {how} on {_minute(validity.since)}"


def _minute(when: datetime) -> str:
    return timestamps.minute(timestamps.iso(when))


def _approve_with_others(
    action: Action, evidence: Evidence, request: Mapping[str, Any], now: datetime
) -> str:
    """Record one of the clicks that approve together; the chat service's log says whose it is.

    The decision follows once that log has as many people as must approve (settlement.py).
    """
    if decision := evidence.read("decision.json"):
        return _existing_decision(evidence, decision)
    before = evidence.clicks(evidence.names())
    click = {
        "version": 1,
        "scan": action.scan,
        "reason": action.reason,
        "seconds": int((action.period or DEFAULT_PERIOD).total_seconds()),
        "approvedAt": timestamps.iso(now),
        "evidence": {"gate-result.json": request["sha256"]},
    }
    # Of two clicks at once each must count.
    for number in range(len(before) + 1, MOST_CLICKS + 1):
        stored = evidence.put_if_absent(f"approvals/{number}.json", click)
        if stored.written:
            break
    else:
        return f"Nothing was recorded: {MOST_CLICKS} clicks on Approve are enough."
    _log(action, stored, CONTINUES)
    counted = quorum.approvals(before, evidence.all("actions"), {}) if before else []
    names = " and ".join(text(approval.person, 100) for approval in counted[:APPROVALS])
    so_far = f"; {names} did so far" if names else ""
    return (
        f"Recorded. {APPROVALS} different people must approve {action.scan} before "
        f"{timestamps.minute(request['expiresAt'])}{so_far}. Who clicked is known in a minute."
    )


def _is_pair(value: Any) -> bool:
    return len(as_list(value)) == 2


def _reason(value: Any) -> str:
    reason = value.strip() if isinstance(value, str) else ""
    # The chat service sends the variable's name for a field that was left empty.
    legible = sum(map(str.isalnum, line(reason, 300)))
    if legible < 3 or len(reason) > 300 or reason == "$Reason":
        raise InvalidAction("give a reason of 3 to 300 characters")
    return line(reason, 300)


def _period(value: Any) -> timedelta | None:
    value = str(value).strip() if isinstance(value, str | int) else "?"
    if value in ("", "$Days"):
        return None
    seconds = durations.seconds(value, default_unit="d") or 0
    if not SHORTEST.total_seconds() <= seconds <= MAX_PERIOD.total_seconds():
        raise InvalidAction(
            f"Days is how long it holds, such as 14 or 12h, at most {_days(MAX_PERIOD)}; "
            f"correct it, or leave it empty for {_days(DEFAULT_PERIOD)}"
        )
    return timedelta(seconds=seconds)


def _days(period: timedelta) -> str:
    whole, rest = divmod(period, timedelta(days=1))
    if rest:
        return durations.text(period.total_seconds())
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
            "stored": stored.document.get("decision", action.decision),
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
        own = evidence.documents(decision, evidence.names())
        root = evidence.root_documents(decision)
        if back := own.withdrawal:
            return (
                f"Too late: it was approved on {when}, and withdrawn on "
                f"{timestamps.minute(back['withdrawnAt'])}, because: {text(back['reason'], 400)}."
            )
        validity = approvals.validity(own, root, timestamps.now())
        if validity.status != "approved":
            return (
                f"Too late: it was approved on {when}, and {_over(validity, own, root)}; upload "
                "again to have it scanned again."
            )
    return (
        f"Already {outcome} on {when}, because: {text(decision['reason'], 400)}. "
        "A scan is decided once; nothing changed."
    )
