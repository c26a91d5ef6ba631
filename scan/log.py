"""The scanner's log: printed while the build runs, and stored as evidence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from scan import exhausted

# CloudWatch Logs cuts an event at 1 MiB; a scanner that prints a minified file is cut before.
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
        """Write one line, as ``safe`` returns it."""
        masked = self.safe(line)
        print(masked, flush=True)
        left = f"{masked}\n".encode(errors="replace")
        try:
            while left:
                # A disk with some room takes some of it.
                left = left[self._file.write(left) :]
        except OSError as error:
            if not exhausted.by_error(error):
                raise
            self.full = error

    def safe(self, line: str) -> str:
        """Return ``line`` cut, without secrets and control characters: file names are untrusted."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return "".join(
            char if char.isprintable() or char == "\t" else "?" for char in line[:LONGEST]
        )
