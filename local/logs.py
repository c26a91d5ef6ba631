"""One CloudWatch log stream, written line by line from a thread."""

import contextlib
import time
from typing import IO, Any


class LogStream:
    """Creates the stream; ``copy`` sends lines as they come, a batch at a time.

    PutLogEvents takes 10,000 events and 1 MB at a time (its API reference); batches stay below.
    """

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client, self.group, self.stream = client, group, stream
        # Made before its function or project, by the program; without it there is nowhere to write.
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(logGroupName=group, logStreamName=stream)

    def copy(self, pipe: IO[str]) -> None:
        """Write every line of ``pipe`` until its end."""
        batch: list[str] = []
        last = time.monotonic()
        for line in pipe:
            batch.append(line.rstrip("\n")[:60_000])
            if len(batch) >= 500 or time.monotonic() - last > 0.3:
                self.write(batch)
                batch, last = [], time.monotonic()
        self.write(batch)

    def write(self, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        # CloudWatch refuses empty messages.
        events = [{"timestamp": now, "message": line} for line in lines if line]
        if events:
            # A group may go while its last lines are on their way.
            with contextlib.suppress(self._client.exceptions.ResourceNotFoundException):
                self._client.put_log_events(
                    logGroupName=self.group, logStreamName=self.stream, logEvents=events
                )
