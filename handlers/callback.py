"""Lambda: stores the task token of a wait, and sends it back once the awaited document exists.

A click writes its document first and then looks for a token; this stores the token first and then
looks for the document. So in any order one of the two sees the other, and the state machine never
waits for a document that exists. The same holds for an upload that supersedes a request: the newer
version exists before the older request is looked for.

If the writer of a document crashes before it sends the token, or cannot reach Step Functions, S3's
event about the document resumes the state machine instead.
"""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from domain import stored_objects, timestamps
from domain.evidence_paths import scan_and_name, waiting_key
from handlers import app_record, aws, resting
from handlers.evidence import Evidence, waiting
from handlers.resume import resume_execution
from handlers.settlement import Rules, Settled, settle

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
# How many people must approve; what follows if one of them uploaded, and who uploads as whom.
APPROVALS = int(os.environ["APPROVALS"])
SELF_APPROVAL = os.environ["SELF_APPROVAL"]
PEOPLE: Mapping[str, str] = json.loads(os.environ["PEOPLE"])
# What the state machine knows when it begins to wait, by the kind of wait.
BEFORE = {"decision": "open", "exception": "approved"}
# Fields by which the waits of a scan are ordered
# (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html).
ORDER = ("redrive", "enteredAt", "retry")

s3 = aws.client("s3")
sfn = aws.client("stepfunctions")


def handler(event: Mapping[str, Any], context: object) -> Any:
    """Handle a call of the state machine (``wait``, ``check``), or an S3 event (``answer``).

    Each may be delivered more than once.
    """
    if "detail" in event:
        return answer(event["detail"]["object"]["key"])
    return check(event) if "expired" in event else wait(event)


def check(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{status, expiresAt, approvals}`` by the evidence; ``expiresAt`` for approvals only.

    ``status`` is ``open``, ``approved``, ``withdrawn`` or another decision; ``approvals`` is how
    many people have approved so far, where one is not enough. ``event`` is ``{scan, sha256,
    expired}``: the scan's id, the SHA-256 of gate-result.json, and whether the time for a decision
    is over; then *request expired* is recorded, unless there is a decision. Errors of S3 are
    raised, not treated as a missing document: the state machine retries.
    """
    evidence = Evidence(s3, ARTIFACTS_BUCKET, event["scan"])
    settled = settle(evidence, event["sha256"], _rules(), expired=event["expired"])
    _index(evidence.scan, settled)
    return settled.answer


def answer(key: str) -> bool:
    """Resume the wait for the document ``key`` in the artifacts bucket; return if there was one."""
    scan, name = scan_and_name(key)
    if name == "withdrawal.json":
        resting.resume(s3, sfn, STATE_BUCKET, scan)
    request = waiting(s3, STATE_BUCKET, scan)
    return bool(request and _has_news(request) and resume_execution(sfn, request["token"]))


def wait(event: Mapping[str, Any]) -> bool:
    """Store the token of ``event``, and send it back at once if the evidence has news.

    ``event`` is ``{scan, kind, token, sha256, expiresAt, redrive, enteredAt, retry, known}``:
    scan.json, the kind of wait (``decision`` or ``exception``), the task token, the SHA-256 of
    gate-result.json, when the wait is over, three fields that order waits (``ORDER``), and the last
    response of ``check``, which is all that the state machine knows; earlier definitions lack it.
    Returns whether there is news.
    """
    scan = event["scan"]
    request = {
        "scan": scan["scan"],
        **{name: event[name] for name in ("kind", "token", "sha256", "expiresAt", *ORDER)},
        **({"known": event["known"]} if "known" in event else {}),
        "requestedAt": timestamps.iso(timestamps.now()),
    }
    left, answered = _leave(request), _has_news(request)
    if answered:
        resume_execution(sfn, event["token"])
    log.info(
        "waits",
        extra={"scan": scan["scan"], "kind": event["kind"], "left": left, "answered": answered},
    )
    return answered


def _has_news(request: Mapping[str, Any]) -> bool:
    """Whether the evidence says other than what the state machine knows that waits."""
    evidence = Evidence(s3, ARTIFACTS_BUCKET, request["scan"])
    answer = settle(evidence, request["sha256"], _rules()).answer
    known = request.get("known", {"status": BEFORE[request["kind"]]})
    return any(answer.get(name) != value for name, value in known.items())


def _rules() -> Rules:
    return Rules(approvals=APPROVALS, self_approval=SELF_APPROVAL, people=PEOPLE)


def _index(scan: str, settled: Settled) -> None:
    """Let later versions find the exception; the index must not stop what follows from evidence."""
    if settled.ends is None:
        return
    change = app_record.add_exception if settled.is_exception else app_record.remove_exception
    try:
        change(s3, STATE_BUCKET, scan.partition("/")[0], scan)
    except Exception:
        log.exception("exception not indexed", extra={"scan": scan})


def _leave(request: Mapping[str, Any]) -> bool:
    """Store the token, replacing that of an earlier wait; return False if a later one is stored.

    A call that the state machine gave up can still take effect seconds later; it must not overwrite
    the token of the current wait.
    """
    key, body = waiting_key(request["scan"]), stored_objects.to_json(request)
    for _ in range(stored_objects.TRIES):
        current = stored_objects.get_object(s3, STATE_BUCKET, key)
        if current and _order(current.document) > _order(request):
            return False
        if stored_objects.replace(s3, STATE_BUCKET, key, body, current):
            return True
    raise RuntimeError(f"others write {key} all the time")


def _order(request: Mapping[str, Any]) -> tuple[Any, ...]:
    redrive, entered, retry = (request[name] for name in ORDER)
    return redrive, timestamps.parse(entered), retry
