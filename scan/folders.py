"""Folders of any depth, where Python's own recursive functions fail at about 1,000 levels."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def make_folders(to: Path, paths: Iterable[str]) -> None:
    """Make the parent folders of the relative ``paths`` below ``to``."""
    made = {""}
    for path in paths:
        missing = []
        while (path := path.rpartition("/")[0]) not in made:
            missing.append(path)
            made.add(path)
        for folder in reversed(missing):
            os.mkdir(f"{to}/{folder}")


def files_below(folder: Path) -> Iterator[Path]:
    """All files below ``folder``; before Python 3.13 ``Path.rglob`` fails in very deep folders."""
    for below in _folders(folder):
        with os.scandir(below) as listed:
            yield from (Path(entry.path) for entry in listed if entry.is_file())


def _folders(folder: Path) -> Iterator[str]:
    """``folder`` and all folders below it, parents first."""
    waiting = [str(folder)]
    for item in waiting:
        yield item
        with os.scandir(item) as listed:
            waiting += (entry.path for entry in listed if entry.is_dir(follow_symlinks=False))
