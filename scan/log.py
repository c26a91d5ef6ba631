"""The scanner's log: printed while the build runs, and stored as evidence."""

import copy
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from scan import exhausted

# In characters. CloudWatch Logs cuts events at 1 MiB, and scanners may print whole minified files.
LONGEST = 4000


class Log:
    """Writes lines to stdout and to ``path``, with ``secrets`` masked in both; from any thread."""

    def __init__(self, path: Path, secrets: Sequence[str] = ()) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._secrets = [secret for secret in secrets if secret]
        self.prefix = ""
        self._lock = threading.Lock()
        self._full: list[OSError] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def full(self) -> OSError | None:
        """The error of a full disk; from then on lines go to stdout only."""
        return self._full[0] if self._full else None

    def named(self, name: str) -> Self:
        """The same log for one of several scanners: each line begins with its name."""
        named = copy.copy(self)
        named.prefix = f"{name}: "
        return named

    def write(self, line: str) -> None:
        """Write one line, masked and cut by ``safe``."""
        masked = self.safe(f"{self.prefix}{line}")
        left = f"{masked}\n".encode(errors="replace")
        with self._lock:
            print(masked, flush=True)
            try:
                while left:
                    # A nearly full disk takes a part of the line.
                    left = left[self._file.write(left) :]
            except OSError as error:
                if not exhausted.by_error(error):
                    raise
                self._full.append(error)

    def safe(self, line: str) -> str:
        """Return ``line`` without secrets and control characters, at most ``LONGEST`` long."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return "".join(
            char if char.isprintable() or char == "\t" else "?" for char in line[:LONGEST]
        )
