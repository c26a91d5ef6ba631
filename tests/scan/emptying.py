"""Removes folders that are too deep for pytest and Python's own functions."""

import os
from pathlib import Path


def empty(folder: Path) -> None:
    """Remove the contents of ``folder``; links are removed, and not followed."""
    folders = [str(folder)]
    for item in folders:
        with os.scandir(item) as listed:
            for entry in listed:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    os.unlink(entry.path)
    for item in reversed(folders[1:]):
        os.rmdir(item)
