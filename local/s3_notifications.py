"""S3's own notifications, which say who called S3."""

import uuid
from typing import Any
from urllib.parse import quote_plus

import flask
from moto.core.utils import iso_8601_datetime_with_milliseconds

from local.permissions.guard import caller

# The customer's id that S3 has for the bucket's owner, and for the account's root user.
OWNER = "A1LOCALOWNER0"


def event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
    """The event for a notification; moto's lacks the caller, the request and the version.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": bucket.region_name,
                "eventTime": iso_8601_datetime_with_milliseconds(),
                "eventName": event_name.removeprefix("s3:"),
                "userIdentity": {"principalId": principal_id()},
                "requestParameters": {"sourceIPAddress": flask.request.remote_addr},
                "responseElements": {
                    "x-amz-request-id": uuid.uuid4().hex[:16].upper(),
                    "x-amz-id-2": uuid.uuid4().hex,
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": notification_id,
                    "bucket": {
                        "name": bucket.name,
                        "ownerIdentity": {"principalId": OWNER},
                        "arn": bucket.arn,
                    },
                    "object": {
                        "key": quote_plus(key.name, safe="/"),
                        "size": key.size,
                        "eTag": key.etag.strip('"'),
                        "versionId": key.version_id,
                        "sequencer": uuid.uuid4().hex[:16].upper(),
                    },
                },
            }
        ]
    }


def principal_id() -> str:
    """The caller of the current request as S3 names it."""
    principal = caller()
    return f"AWS:{principal.user_id}" if principal and principal.user_id else OWNER
