"""The scanner's log: printed while the build runs, and stored as evidence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from scan import exhausted

# In characters. CloudWatch Logs cuts events at 1 MiB, and scanners may print whole minified files.
LONGEST = 4000


class Log:
    """Writes lines to stdout and to ``path``, with ``secrets`` masked in both.

    ``full`` is the error of a full disk; from then on lines go to stdout only.
    """

    def __init__(self, path: Path, secrets: Sequence[str] = ()) -> None:
        self._file = path.open("ab", buffering=0)
        self._secrets = [secret for secret in secrets if secret]
        self.full: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, line: str) -> None:
        """Write one line, masked and cut by ``safe``."""
        masked = self.safe(line)
        print(masked, flush=True)
        left = f"{masked}\n".encode(errors="replace")
        try:
            while left:
                # A nearly full disk takes a part of the line.
                left = left[self._file.write(left) :]
        except OSError as error:
            if not exhausted.by_error(error):
                raise
            self.full = error

    def safe(self, line: str) -> str:
        """Return ``line`` without secrets and control characters, at most ``LONGEST`` long."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return "".join(
            char if char.isprintable() or char == "\t" else "?" for char in line[:LONGEST]
        )
