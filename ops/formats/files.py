"""Writes files whole or not at all."""

import os
import secrets
from pathlib import Path

from ops.errors import CommandError


def check(path: Path) -> None:
    """Raise ``CommandError`` if ``path`` cannot be written, as far as this can be known before."""
    folder = Path(os.path.realpath(path)).parent
    if path.is_dir():
        raise _failed(path, "it is a folder")
    if not folder.is_dir():
        raise _failed(path, f"there is no folder {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise _failed(path, "no right to write there")


def write(path: Path, text: str) -> None:
    """Write ``text`` in UTF-8; readers see the old file or the new one.

    Raises:
        CommandError: it cannot be written.
    """
    # A link stays a link, and a pipe or /dev/stdout is written to, not replaced.
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        # Not tempfile's, which other users could not read: another step may run as another.
        draft = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise _failed(path, error.strerror or str(error)) from error


def _failed(path: Path, why: str) -> CommandError:
    return CommandError(f"{path} cannot be written: {why}", "name a file in a folder that exists")
