"""The end of a build's log."""

import logging
import re
from collections.abc import Callable
from typing import Any

from handlers.aws import BotoCoreError, ClientError

log = logging.getLogger(__name__)

PAGES = 4
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def tail(logs: Callable[[], Any], group: str, stream: str, lines: int = 15) -> list[str]:
    """Return the last ``lines`` that are not empty; none if the log can't be read.

    ``logs`` returns a CloudWatch Logs client, and is called only if there is a log. Reads at most
    ``PAGES`` pages from the end. A page can be empty although more follow; an unchanged token means
    that the beginning is reached
    (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
    """
    if not group or not stream:
        return []
    lines_read: list[str] = []
    page: dict[str, str] = {}
    try:
        for _ in range(PAGES):
            answer = logs().get_log_events(
                logGroupName=group,
                logStreamName=stream,
                startFromHead=False,
                limit=100,
                **page,
            )
            messages = [_COLOUR.sub("", event["message"]).rstrip() for event in answer["events"]]
            lines_read = [message for message in messages if message] + lines_read
            token = answer["nextBackwardToken"]
            if len(lines_read) >= lines or page.get("nextToken") == token:
                break
            page = {"nextToken": token}
    except (BotoCoreError, ClientError):
        # A card without the log is better than no card.
        log.warning("build log not read", extra={"group": group, "stream": stream}, exc_info=True)
    return lines_read[-lines:]
