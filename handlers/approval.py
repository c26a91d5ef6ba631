"""Lambda behind the buttons: records what the channel decides about one scan, once.

What decision.json says is the decision; whoever writes it first has decided. The task token only
wakes the state machine, which then reads the decision. So it does no harm to press twice, against
each other, or after a crash between the two calls.
"""

import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from handlers import moment
from handlers.evidence import QUICK, SCAN_ID, Evidence, error_code
from handlers.mrkdwn import text
from handlers.outside import line

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
EXCEPTION = timedelta(seconds=int(os.environ["EXCEPTION_SECONDS"]))
VERDICTS = {"approve": "approved", "reject": "rejected"}
# The wait is over: decided before, timed out, or its execution was stopped.
NOBODY_WAITS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")

sfn = boto3.client("stepfunctions", config=QUICK)


class NotAPress(ValueError):
    """What came is no button's payload; the message is a sentence for people."""


@dataclass(frozen=True)
class Press:
    scan: str
    verdict: str
    reason: str


def handler(event: Any, context: object) -> str:
    """Return one plain sentence, whatever ``event`` is.

    Buttons send ``{"scan": id, "approve": reason}`` or ``{"scan": id, "reject": reason}``.
    """
    try:
        return decide(parse(event))
    except NotAPress as refusal:
        return str(refusal)
    except Exception:
        # People see what this returns, and nobody calls again but they.
        log.exception("press not handled")
        return "AWS did not answer as it should; press again in a few seconds, nothing is lost."


def parse(event: Any) -> Press:
    """Return what was pressed; raise ``NotAPress`` for anything else."""
    event = event if isinstance(event, dict) else {}
    scan, pressed = event.get("scan"), VERDICTS.keys() & event.keys()
    if not isinstance(scan, str) or not SCAN_ID.fullmatch(scan) or len(pressed) != 1:
        raise NotAPress("This is no decision about a scan; use the buttons on its card.")
    verb = pressed.pop()
    reason = event[verb].strip() if isinstance(event[verb], str) else ""
    # A variable that nobody filled in arrives by its name.
    legible = sum(map(str.isalnum, reason))
    if legible < 3 or len(reason) > 300 or reason == "$Reason":
        raise NotAPress(
            "Nothing was decided: give a reason of 3 to 300 characters, then press again."
        )
    return Press(scan, VERDICTS[verb], line(reason, 300))


def decide(press: Press) -> str:
    """Record the decision unless there is one, wake the state machine, say what holds."""
    evidence = Evidence(ARTIFACTS_BUCKET, press.scan)
    waiting = evidence.waiting()
    if waiting is None:
        return _not_waiting(evidence)
    now = datetime.now(UTC)
    decision = {
        "version": 1,
        "scan": press.scan,
        "verdict": press.verdict,
        "reason": press.reason,
        "decidedAt": moment.iso(now),
        "until": moment.iso(now + EXCEPTION) if press.verdict == "approved" else None,
    }
    wrote = evidence.write_first("decision.json", decision)
    standing = decision if wrote else evidence.read("decision.json")
    heard = _wake(waiting["token"])
    log.info(
        "pressed",
        extra={
            "scan": press.scan,
            "pressed": press.verdict,
            "standing": standing["verdict"],
            "first": wrote,
            "heard": heard,
        },
    )
    if not wrote:
        return _standing(standing)
    said = _said(decision)
    return said if heard else f"{said} If no message follows here soon, look at the execution."


def _wake(token: str) -> bool:
    """Wake the state machine; return whether it still waited."""
    try:
        sfn.send_task_success(taskToken=token, output="{}")
    except ClientError as error:
        if error_code(error) not in NOBODY_WAITS:
            raise
        return False
    return True


def _not_waiting(evidence: Evidence) -> str:
    if decision := evidence.read("decision.json"):
        return _standing(decision)
    if evidence.read("scan.json"):
        return (
            f"{evidence.scan} is not waiting for a decision; if its card has just appeared, press "
            "again in a few seconds."
        )
    return f"There is no scan {evidence.scan} here."


def _said(decision: dict[str, Any]) -> str:
    if decision["verdict"] == "approved":
        until = moment.minute(decision["until"])
        return f"Approved: {decision['scan']} may be deployed until {until}."
    return f"Rejected: {decision['scan']} stays blocked."


def _standing(decision: dict[str, Any]) -> str:
    verdict, when = decision["verdict"], moment.minute(decision["decidedAt"])
    if verdict == "expired":
        return f"Too late: nobody had decided by {when}; upload again to have it scanned anew."
    return (
        f"Already {verdict} on {when}, because: {text(decision['reason'], 400)}. "
        "A scan is decided once; nothing changed."
    )
