"""Lambda: adds to a scan's evidence who pressed its buttons, from the chat service's audit log.

It runs in the log's region, which need not be the evidence's (``EVIDENCE_REGION``).
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
from handlers import audit
from handlers.evidence import Evidence

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
APPROVAL_FUNCTION = os.environ["APPROVAL_FUNCTION"]


def handler(event: Mapping[str, Any], context: object) -> None:
    """Write ``actions/<log event id>.json`` for each press in a batch of the subscription.

    ``event`` is ``{awslogs: {data}}``: base64 of a gzip of ``{messageType, logEvents: [{id,
    timestamp, message}]}``. The same batch may come again: what is written stays as it was.
    """
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if batch["messageType"] != "DATA_MESSAGE":  # CloudWatch tries whether it reaches us
        return
    for each in batch["logEvents"]:
        _record(str(each["id"]), each["timestamp"], each["message"])


def _record(event_id: str, milliseconds: int, message: str) -> None:
    try:
        press = audit.read(message, APPROVAL_FUNCTION)
    except audit.Unreadable as fields:
        log.warning("unreadable", extra={"eventId": event_id, "fields": str(fields)})
        return
    if press is None:
        return
    evidence = Evidence(ARTIFACTS_BUCKET, press.scan)
    # People may type any command, so any scan's id.
    if evidence.read("scan.json") is None:
        log.info("no such scan", extra={"eventId": event_id})
        return
    record = {
        "version": 1,
        "scan": press.scan,
        "user": press.user,
        **({"userName": press.user_name} if press.user_name else {}),
        "action": press.verb,
        "reason": press.reason,
        "clickedAt": timestamps.iso(datetime.fromtimestamp(milliseconds / 1000, UTC)),
    }
    kept = evidence.put_if_absent(f"actions/{event_id}.json", record)
    fields = {"scan": press.scan, "action": press.verb, "first": kept.written}
    log.info("action recorded", extra=fields)
