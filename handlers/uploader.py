"""Lambda: adds to a scan's evidence who uploaded, which only S3's own notification knows.

EventBridge's event of the same upload, which starts the scan, names an account at most
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). Nothing waits for this
function: its event may come before the scan is opened, or after its result.
"""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from domain import timestamps
from domain.json_values import as_dict
from domain.scan_id import app_of, scan_id
from handlers import aws
from handlers.evidence import Evidence

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]

s3 = aws.client("s3")


class AnotherUploader(Exception):
    """uploader.json exists already, and names another principal: S3 did not cause it."""


def handler(event: Mapping[str, Any], context: object) -> None:
    """Write ``uploader.json`` for each upload in ``event``, which is S3's ``{Records: [...]}``.

    S3 delivers each event at least once, in any order; the document is write-once, and a repeated
    event changes nothing. A test event of S3 has no records. Errors are raised: Lambda tries again
    twice, and its metric of errors has an alarm.

    Raises:
        AnotherUploader: the document exists, and names somebody else.
    """
    for record in event.get("Records", ()):
        document = _document(record)
        stored = Evidence(s3, ARTIFACTS_BUCKET, document["scan"]).put_if_absent(
            "uploader.json", document
        )
        if as_dict(stored.document).get("principalId") != document["principalId"]:
            raise AnotherUploader(f"uploader.json of {document['scan']} names another principal")
        fields = {"scan": document["scan"], "first": stored.written}
        log.info("uploader recorded", extra=fields)


def _document(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return uploader.json for a record of S3's event.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html: the
    key is URL-encoded, as in a form.
    """
    uploaded = record["s3"]["object"]
    key, version = unquote_plus(uploaded["key"]), uploaded["versionId"]
    return {
        "version": 1,
        # A further attempt at this version has the same uploader, so there is one document.
        "scan": scan_id(app_of(key), version),
        "bucket": record["s3"]["bucket"]["name"],
        "key": key,
        "versionId": version,
        "principalId": record["userIdentity"]["principalId"],
        "sourceIp": record["requestParameters"]["sourceIPAddress"],
        "operation": record["eventName"],
        "requestId": record["responseElements"]["x-amz-request-id"],
        "uploadedAt": timestamps.iso(datetime.fromisoformat(record["eventTime"]).astimezone(UTC)),
    }
