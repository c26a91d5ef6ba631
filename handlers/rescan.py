"""Lambda: starts another scan of a version whose last scan is over and did not pass."""

import json
import logging
import os
import re
from typing import Any

from domain.json_values import as_dict
from domain.scan_id import SCAN_ID, scan_id
from handlers import aws
from handlers.evidence import Evidence, attempts
from handlers.resume import status

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]

s3 = aws.client("s3")
sfn = aws.client("stepfunctions")


def handler(event: Any, context: object) -> str:
    """Return one plain sentence, also for invalid events; a button sends ``{"scan": id}``."""
    scan = as_dict(event).get("scan")
    if not isinstance(scan, str) or not SCAN_ID.fullmatch(scan):
        return "This is not a scan; use the button on its card."
    try:
        return rescan(scan)
    except Exception:
        # The user sees the returned text, and is the only one who can retry.
        log.exception("rescan not started")
        return "AWS error. Nothing was changed; try again in a few seconds."


def rescan(scan: str) -> str:
    """Start an execution for the same version, as another attempt with evidence of its own.

    The button may be on an old card, so the last attempt at this version is what counts.
    """
    opened = Evidence(s3, ARTIFACTS_BUCKET, scan).read("scan.json")
    if not opened:
        return f"There is no scan {scan} here."
    app, version = opened["app"], opened["versionId"]
    number = attempts(s3, ARTIFACTS_BUCKET, app, version)[-1]
    last = Evidence(s3, ARTIFACTS_BUCKET, scan_id(app, version, number))
    gate_result, last_opened = last.read_each("gate-result.json", "scan.json")
    if gate_result and gate_result["status"] == "passed":
        return f"{last.scan} passed its quality gate; there is nothing to scan again."
    if gate_result and gate_result.get("retryable") is False:
        return (
            f"The same bytes would end as {last.scan} did: do what its card says, then upload "
            "again."
        )
    if status(sfn, last_opened["execution"]) == "RUNNING":
        return f"{last.scan} is not over: it is being scanned, awaits its decision, or is approved."
    return _start(opened, number + 1)


def _start(opened: dict[str, Any], number: int) -> str:
    """Start attempt ``number``, or the next one whose execution name is unused."""
    again = scan_id(opened["app"], opened["versionId"], number)
    machine, _, _ = opened["execution"].replace(":execution:", ":stateMachine:").rpartition(":")
    # The same name for repeated clicks, so that the second does not start another execution.
    name = f"again-{number}-{re.sub('[^A-Za-z0-9_-]', '-', opened['versionId'])[:60]}"
    try:
        sfn.start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(_event(opened, number))
        )
    except sfn.exceptions.ExecutionAlreadyExists:
        # An execution of this name has already ended, without evidence.
        return _start(opened, number + 1)
    log.info("scanned again", extra={"scan": opened["scan"], "again": again})
    return f"Scanning {opened['key']} again; the answer comes on a new card, about {again}."


def _event(opened: dict[str, Any], attempt: int) -> dict[str, Any]:
    """EventBridge's event of the upload, rebuilt from scan.json, with the attempt."""
    return {
        "time": opened["uploadedAt"],
        "attempt": attempt,
        "detail": {
            "bucket": {"name": opened["bucket"]},
            "object": {
                "key": opened["key"],
                "version-id": opened["versionId"],
                "etag": opened["etag"],
                "size": opened["size"],
            },
            "requester": opened["requester"],
        },
    }
