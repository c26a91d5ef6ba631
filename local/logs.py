"""One CloudWatch log stream, written line by line from a thread."""

import contextlib
import queue
import threading
import time
from typing import IO, Any

from botocore.exceptions import BotoCoreError


class LogStream:
    """Creates the stream; ``copy`` sends lines in batches.

    A batch has at most 500 lines; PutLogEvents takes 10,000 events (its API reference).
    """

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client, self.group, self.stream = client, group, stream
        # The program creates the group; a missing group is an error.
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(logGroupName=group, logStreamName=stream)

    def copy(self, pipe: IO[str]) -> None:
        """Write the lines of ``pipe`` until its end, with a delay of about 0.1 s."""
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=[pipe, lines], daemon=True).start()
        while (line := lines.get()) is not None:
            batch = [line]
            time.sleep(0.1)
            while len(batch) < 500 and not lines.empty():
                line = lines.get()
                if line is None:
                    break
                batch.append(line)
            self.write(batch)
            if line is None:
                return

    def write(self, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        # CloudWatch refuses empty messages.
        events = [{"timestamp": now, "message": line} for line in lines if line]
        if events:
            # The group or the whole account may be deleted before the last lines are written.
            with contextlib.suppress(
                self._client.exceptions.ResourceNotFoundException, BotoCoreError
            ):
                self._client.put_log_events(
                    logGroupName=self.group, logStreamName=self.stream, logEvents=events
                )


def _read(pipe: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    for line in pipe:
        lines.put(line.rstrip("\n")[:60_000])
    lines.put(None)
