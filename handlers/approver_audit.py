"""Lambda: adds to a scan's evidence who clicked its buttons, from the chat service's audit log.

Where something follows from who clicked, it resumes the state machine, which then reads the
evidence; S3's event about the document does so, too, but may be late or dropped. It runs in the
log's region, which can differ from that of the evidence (``EVIDENCE_REGION``).
"""

import base64
import gzip
import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain import timestamps
from handlers import aws, chat_audit_log
from handlers.chat_audit_log import Action
from handlers.evidence import Evidence
from handlers.resume import resume_scan

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
APPROVAL_FUNCTION = os.environ["APPROVAL_FUNCTION"]
# Empty where nothing follows from who clicked.
STATE_BUCKET = os.environ["STATE_BUCKET"]
# The clicks by which a version becomes or stays deployable.
APPROVING = ("approve", "extend")

s3 = aws.client("s3", region=os.environ["EVIDENCE_REGION"])
sfn = aws.client("stepfunctions", region=os.environ["EVIDENCE_REGION"])


def handler(event: Mapping[str, Any], context: object) -> None:
    """Write ``actions/<log event id>.json`` for each click in a batch of the subscription.

    ``event`` is ``{awslogs: {data}}``: base64 of gzipped ``{messageType, logEvents: [{id,
    timestamp, message}]}``. A batch may be delivered more than once; the documents are write-once.
    Errors of AWS are raised: Lambda tries the batch again twice.
    """
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if batch["messageType"] != "DATA_MESSAGE":  # a control message of CloudWatch Logs
        return
    actions = [
        _record(str(log_event["id"]), log_event["timestamp"], log_event["message"])
        for log_event in batch["logEvents"]
    ]
    if STATE_BUCKET:
        for scan in {action.scan for action in actions if action and action.verb in APPROVING}:
            resume_scan(s3, sfn, STATE_BUCKET, scan)


def _record(event_id: str, milliseconds: int, message: str) -> Action | None:
    """Record the click on a scan that ``message`` is about; return it, None if there is none."""
    try:
        action = chat_audit_log.read(message, APPROVAL_FUNCTION)
    except chat_audit_log.Unreadable as fields:
        log.warning("unreadable", extra={"eventId": event_id, "fields": str(fields)})
        return None
    if action is None:
        return None
    evidence = Evidence(s3, ARTIFACTS_BUCKET, action.scan)
    # Users can type commands with any id.
    if evidence.read("scan.json") is None:
        log.info("no such scan", extra={"eventId": event_id})
        return None
    record = {
        "version": 1,
        "scan": action.scan,
        "user": action.user,
        **({"userName": action.user_name} if action.user_name else {}),
        "action": action.verb,
        "reason": action.reason,
        "clickedAt": timestamps.iso(datetime.fromtimestamp(milliseconds / 1000, UTC)),
    }
    stored = evidence.put_if_absent(f"actions/{event_id}.json", record)
    fields = {"scan": action.scan, "action": action.verb, "first": stored.written}
    log.info("action recorded", extra=fields)
    return action
