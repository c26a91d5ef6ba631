"""Lambda: leaves the task token of a wait where an answer finds it, and sends it back with one.

A click writes its document first and then looks for a token; this writes the token first and then
looks for the document. So one of the two sees the other, in whatever order they come, and the state
machine never waits for an answer that was given. The same goes for an upload that makes a request
moot: the newer version is there before the request of the older one is looked for.

If the writer crashes between the document and the token, or cannot reach Step Functions, S3's event
about the document resumes the state machine instead.
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
# What tells an earlier wait of a scan from a later one
# (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html).
ORDER = ("redrive", "enteredAt", "retry")

s3 = aws.client("s3")
sfn = aws.client("stepfunctions")


def handler(event: Mapping[str, Any], context: object) -> Any:
    """Serve the state machine (``wait``, ``check``), or S3, as EventBridge brings it (``answer``).

    Each event may come twice.
    """
    if "detail" in event:
        return answer(event["detail"]["object"]["key"])
    return check(event) if "expired" in event else wait(event)


def check(event: Mapping[str, Any]) -> dict[str, str]:
    """Return ``{status, expiresAt}``, what the evidence says; the latter of an approval only.

    ``status`` is ``open``, ``approved``, ``withdrawn`` or another decision. ``event`` is ``{scan,
    sha256, expired}``: the scan's id, the SHA-256 of gate-result.json, and whether the time for a
    decision is over: then that is written, unless somebody has decided. Only a missing document
    counts as none; where S3 does not answer, nothing is known, and the state machine asks again.
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
    """Resume what waits for the answer that was written to ``key`` of the artifacts bucket."""
    scan, name = scan_and_name(key)
    request = waiting(s3, STATE_BUCKET, scan)
    # A withdrawal may come before the state machine has read the approval.
    if not request or (name == "decision.json" and request["kind"] != "decision"):
        return False
    return resume_execution(sfn, request["token"])


def wait(event: Mapping[str, Any]) -> bool:
    """Leave the token of ``event``, and send it back at once where the answer is there.

    ``event`` is ``{scan, kind, token, sha256, expiresAt, redrive, enteredAt, retry}``: scan.json,
    what is waited for (``decision`` or ``exception``), the task token, the SHA-256 of
    gate-result.json, when the wait is over, and when and at which try the state machine began it.
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
    """Leave the token over that of an earlier wait; return False where a later one lies there.

    A call that the state machine has given up may still take effect, seconds later: it must not
    bury the token that is waited with.
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
    """Whether there is a decision; a newer version is one, and is written down."""
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
