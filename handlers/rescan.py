"""Lambda: scans a version again whose scan is over and did not pass."""

import json
import logging
import os
import re
from typing import Any

import boto3

from handlers.evidence import QUICK, Evidence
from handlers.scan_id import SCAN_ID

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]

sfn = boto3.client("stepfunctions", config=QUICK)


def handler(event: Any, context: object) -> str:
    """Return one plain sentence, whatever ``event`` is; a button sends ``{"scan": id}``."""
    scan = event.get("scan") if isinstance(event, dict) else None
    if not isinstance(scan, str) or not SCAN_ID.fullmatch(scan):
        return "This is no scan; use the button on its card."
    try:
        return rescan(scan)
    except Exception:
        # People see what this returns, and nobody calls again but they.
        log.exception("rescan not started")
        return "AWS did not answer as it should; press again in a few seconds, nothing is lost."


def rescan(scan: str) -> str:
    """Start an execution for the same version, as another attempt with evidence of its own."""
    opened = Evidence(ARTIFACTS_BUCKET, scan).read("scan.json")
    if not opened:
        return f"There is no scan {scan} here."
    verdict = Evidence(ARTIFACTS_BUCKET, scan).read("verdict.json")
    if verdict and verdict["status"] == "passed":
        return f"{scan} passed its quality gate; there is nothing to scan again."
    if verdict and verdict.get("retry") is False:
        return f"The same bytes would end as {scan} did: do what its card says, then upload again."
    if _is_running(opened["execution"]):
        return f"{scan} is not over: it is being scanned, awaits its decision, or is approved."
    attempt = opened.get("attempt", 1) + 1
    again = f"{opened['app']}/{opened['versionId']}.{attempt}"
    machine, _, _ = opened["execution"].replace(":execution:", ":stateMachine:").rpartition(":")
    try:
        sfn.start_execution(
            stateMachineArn=machine,
            # The same name for each press: the second finds the execution of the first.
            name=f"again-{attempt}-{re.sub('[^A-Za-z0-9_-]', '-', opened['versionId'])[:60]}",
            input=json.dumps(_event(opened, attempt)),
        )
    except sfn.exceptions.ExecutionAlreadyExists:
        return f"It is scanned again already, as {again}: see the newer card."
    log.info("scanned again", extra={"scan": scan, "again": again})
    return f"Scanning {opened['key']} again; the answer comes on a new card, about {again}."


def _is_running(execution: str) -> bool:
    try:
        return sfn.describe_execution(executionArn=execution)["status"] == "RUNNING"
    except sfn.exceptions.ExecutionDoesNotExist:
        # Step Functions forgets an execution 90 days after its end
        # (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
        return False


def _event(opened: dict[str, Any], attempt: int) -> dict[str, Any]:
    """What EventBridge said of the upload, and which attempt this is."""
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
            "requester": opened["uploadedBy"],
        },
    }
