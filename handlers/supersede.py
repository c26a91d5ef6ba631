"""Lambda: closes the open requests of versions that a newer upload of the same key replaces."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from domain import decisions, timestamps
from handlers import versions
from handlers.evidence import Evidence, waiting, waiting_scans
from handlers.wake import wake

log = logging.getLogger(__name__)

ARTIFACTS_BUCKET = os.environ["ARTIFACTS_BUCKET"]
STATE_BUCKET = os.environ["STATE_BUCKET"]


def handler(event: Mapping[str, Any], context: object) -> list[str]:
    """Close what waits for a decision about versions before that of ``event`` (scan.json).

    Return the scans that were closed. Whoever asks twice, or against somebody who presses, finds
    the request decided and changes nothing.
    """
    closed = []
    older = [f"{event['app']}/{version}" for version in versions.older(event)]
    for scan in [each for start in older for each in waiting_scans(STATE_BUCKET, start)]:
        open_request = waiting(STATE_BUCKET, scan)
        if open_request is None or open_request["kind"] != "decision":
            continue
        kept = Evidence(ARTIFACTS_BUCKET, scan).put_if_absent(
            "decision.json",
            decisions.superseded(
                scan, open_request["sha256"], timestamps.now(), event["versionId"]
            ),
        )
        wake(open_request["token"])
        if kept.written:
            closed.append(scan)
    log.info("superseded", extra={"scan": event["scan"], "closed": closed})
    return closed
