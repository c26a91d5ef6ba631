"""Lambda: opens the scan of an uploaded version, and closes the requests that it supersedes.

EventBridge delivers each event at least once, and each delivery starts an execution. The one that
writes scan.json first owns the scan; repeated calls return the same.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from domain import decisions, timestamps
from domain.scan_id import INVALID_KEY, app_of, scan_id
from handlers import aws, versions
from handlers.evidence import Evidence, waiting, waiting_scans
from handlers.resume import resume_execution

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]
# The longest time for closing older requests, far below the function's timeout, so that the scan
# starts in any case.
SUPERSEDE_TIME = timedelta(seconds=15)
# Retries of the state machine after which requests that cannot be closed stay open.
INSISTED = 2

s3 = aws.client("s3")
sfn = aws.client("stepfunctions")


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return ``{scan, isNew}``: scan.json, and whether this execution wrote it.

    ``event`` is ``{event, execution, retry}``: EventBridge's event, with an ``attempt`` if a
    version is scanned again; the ARN of the execution; and the number of retries so far. Errors of
    S3 are raised: the state machine retries.

    Raises:
        ValueError: the bucket no longer keeps versions. The same id would name other bytes after
            the next upload (https://docs.aws.amazon.com/AmazonS3/latest/userguide/
            AddingObjectstoVersionSuspendedBuckets.html), so no clearance may be given to it.
    """
    if event["event"]["detail"]["object"]["version-id"] == "null":
        raise ValueError("versioning of the upload bucket is suspended; enable it, upload again")
    scan = _scan(event["event"], event["execution"])
    stored = Evidence(s3, ARTIFACTS_BUCKET, scan["scan"]).put_if_absent("scan.json", scan).document
    is_new = stored["execution"] == event["execution"]
    if is_new and stored["app"] != INVALID_KEY:
        _supersede_older(stored, is_last_try=event["retry"] >= INSISTED)
    log.info("opened", extra={"scan": stored["scan"], "isNew": is_new})
    return {"scan": stored, "isNew": is_new}


def _scan(event: Mapping[str, Any], execution: str) -> dict[str, Any]:
    """Return scan.json for the upload in ``event``."""
    uploaded = event["detail"]["object"]
    app, attempt = app_of(uploaded["key"]), event.get("attempt", 1)
    return {
        "version": 1,
        "scan": scan_id(app, uploaded["version-id"], attempt),
        "attempt": attempt,
        "app": app,
        "bucket": event["detail"]["bucket"]["name"],
        "key": uploaded["key"],
        "versionId": uploaded["version-id"],
        "etag": uploaded["etag"],
        "size": uploaded["size"],
        "uploadedAt": event["time"],
        "requester": event["detail"]["requester"],
        "execution": execution,
    }


def _supersede_older(scan: Mapping[str, Any], is_last_try: bool) -> None:
    """Close the open requests of versions older than that of ``scan``.

    On the last try errors are only logged, so that they do not stop the scan: a later click on an
    older version supersedes its request, too. It is idempotent, and safe against concurrent clicks.
    """
    started = timestamps.now()
    closed: list[str] = []
    try:
        for request in _open_requests(scan):
            decision = Evidence(s3, ARTIFACTS_BUCKET, request["scan"]).put_if_absent(
                "decision.json",
                decisions.superseded(
                    request["scan"], request["sha256"], timestamps.now(), scan["versionId"]
                ),
            )
            resume_execution(sfn, request["token"])
            if decision.written:
                closed.append(request["scan"])
            if timestamps.now() - started > SUPERSEDE_TIME:
                break
    except Exception:
        if not is_last_try:
            raise
        log.exception("older requests stay open", extra={"scan": scan["scan"]})
    log.info("superseded", extra={"scan": scan["scan"], "closed": closed})


def _open_requests(scan: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the requests that wait for a decision about an older version, newest first."""
    for version in versions.older(s3, scan):
        for waits in waiting_scans(s3, STATE_BUCKET, f"{scan['app']}/{version}"):
            request = waiting(s3, STATE_BUCKET, waits)
            if request and request["kind"] == "decision":
                yield request
