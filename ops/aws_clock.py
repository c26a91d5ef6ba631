"""The time at AWS, since this machine's clock may be wrong."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from domain import timestamps


class AwsClock:
    """Reads the time from each response to ``client``; until there is one, this machine's clock."""

    def __init__(self, client: Any) -> None:
        self._at: datetime | None = None
        self._received = 0.0
        # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
        client.meta.events.register("after-call", self._read)

    def now(self) -> datetime:
        """The time in UTC."""
        if self._at is None:
            return timestamps.now()
        return self._at + timedelta(seconds=time.monotonic() - self._received)

    def _read(self, http_response: Any, **_: Any) -> None:
        try:
            date = parsedate_to_datetime(http_response.headers.get("date") or "")
        except ValueError:
            return
        self._at, self._received = date.astimezone(UTC), time.monotonic()
