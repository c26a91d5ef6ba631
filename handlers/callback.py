"""Lambda: stores the task token of a wait, and sends it back once the awaited document exists.

A click writes its document first and then looks for a token; this stores the token first and then
looks for the document. So in any order one of the two sees the other, and the state machine never
waits for a document that exists. The same holds for an upload that supersedes a request: the newer
version exists before the older request is looked for.

If the writer of a document crashes before it sends the token, or cannot reach Step Functions, S3's
event about the document resumes the state machine instead.
"""

import logging
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from domain import decisions, stored_objects, timestamps
from domain.evidence_paths import scan_and_name, waiting_key
from handlers import aws, parallel, versions
from handlers.evidence import Evidence, waiting
from handlers.resume import resume_execution

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
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


def check(event: Mapping[str, Any]) -> dict[str, str]:
    """Return ``{status, expiresAt}`` by the evidence; ``expiresAt`` only for an approval.

    ``status`` is ``open``, ``approved``, ``withdrawn`` or another decision. ``event`` is ``{scan,
    sha256, expired}``: the scan's id, the SHA-256 of gate-result.json, and whether the time for a
    decision is over; then *request expired* is recorded, unless there is a decision. Errors of S3
    are raised, not treated as a missing document: the state machine retries.
    """
    evidence = Evidence(s3, ARTIFACTS_BUCKET, event["scan"])
    stored = evidence.get("decision.json")
    if stored is None and event["expired"]:
        expired = decisions.request_expired(evidence.scan, event["sha256"], timestamps.now())
        stored = evidence.put_if_absent("decision.json", expired)
    if stored is None:
        return {"status": "open"}
    decision = stored.document
    if decision["decision"] != "approved":
        return {"status": decision["decision"]}
    withdrawn = evidence.get("withdrawal.json") is not None
    return {
        "status": "withdrawn" if withdrawn else "approved",
        "expiresAt": decision["expiresAt"],
    }


def answer(key: str) -> bool:
    """Resume the wait for the document ``key`` in the artifacts bucket; return if there was one."""
    scan, name = scan_and_name(key)
    request = waiting(s3, STATE_BUCKET, scan)
    # A withdrawal may come before the state machine has read the approval.
    if not request or (name == "decision.json" and request["kind"] != "decision"):
        return False
    return resume_execution(sfn, request["token"])


def wait(event: Mapping[str, Any]) -> bool:
    """Store the token of ``event``, and send it back at once if the awaited document exists.

    ``event`` is ``{scan, kind, token, sha256, expiresAt, redrive, enteredAt, retry}``: scan.json,
    the kind of wait (``decision`` or ``exception``), the task token, the SHA-256 of
    gate-result.json, when the wait is over, and three fields that order waits (``ORDER``).
    Returns whether the document exists.
    """
    scan = event["scan"]
    request = {
        "scan": scan["scan"],
        **{name: event[name] for name in ("kind", "token", "sha256", "expiresAt", *ORDER)},
        "requestedAt": timestamps.iso(timestamps.now()),
    }
    left = _leave(request)
    evidence = Evidence(s3, ARTIFACTS_BUCKET, scan["scan"])
    answered = _decided(evidence, event) if event["kind"] == "decision" else _withdrawn(evidence)
    if answered:
        resume_execution(sfn, event["token"])
    log.info(
        "waits",
        extra={"scan": scan["scan"], "kind": event["kind"], "left": left, "answered": answered},
    )
    return answered


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


def _decided(evidence: Evidence, event: Mapping[str, Any]) -> bool:
    """Whether there is a decision; if there is a newer version, *superseded* is recorded as one."""
    decision, newest = parallel.both(
        partial(evidence.get, "decision.json"), partial(versions.newer, s3, event["scan"])
    )
    if decision or newest is None:
        return decision is not None
    evidence.put_if_absent(
        "decision.json",
        decisions.superseded(evidence.scan, event["sha256"], timestamps.now(), newest),
    )
    return True


def _withdrawn(evidence: Evidence) -> bool:
    return evidence.get("withdrawal.json") is not None
