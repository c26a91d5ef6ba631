"""What a scanner sees of an upload: not the files that would configure it; and in which parts."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from domain.findings import IgnoredSetting
from scan.folders import files_below, make_folders
from scan.language import kind_of
from scan.sarif.recipes import SettingsFile
from scan.union import SETTINGS_FILE

# In bytes; larger files are hidden without reading them.
LARGEST = 1024 * 1024
# Of each part. Fewer are scanned while a further process starts.
LEAST_FILES = 50


@dataclass(frozen=True, kw_only=True)
class View:
    """The upload as a scanner sees it, in ``source``, and what it does not see.

    Hidden files that are code are also in ``unread``.
    """

    source: Path
    ignored: Sequence[IgnoredSetting]
    unread: dict[str, str]


def view(
    source: Path, to: Path, settings_files: Sequence[SettingsFile], *, exclusions_too: bool
) -> View:
    """Return ``source`` without ``settings_files``, at any depth and regardless of case.

    If there are any, the others are hard links in the new folder ``to``: what one scanner would
    follow is code or text to the next.
    """
    selected = [
        settings_file
        for settings_file in settings_files
        if exclusions_too or not settings_file.excludes
    ]
    names = sorted(path.relative_to(source).as_posix() for path in files_below(source))
    hidden = [
        name for name in names if any(_is(setting, name, source / name) for setting in selected)
    ]
    ignored, unread = [], {}
    for name in hidden:
        path = source / name
        with path.open(encoding="utf-8", errors="replace") as file:
            value = file.read(200)
        ignored.append(IgnoredSetting(file=name, key=path.name, value=value, weakens=True))
        if kind_of(path, name).is_code:
            unread[name] = SETTINGS_FILE
    if hidden:
        left_out = set(hidden)
        _link(source, to, [name for name in names if name not in left_out])
    return View(source=to if hidden else source, ignored=ignored, unread=unread)


def parts(source: Path, to: Path, most: int) -> list[Path]:
    """Folders that each have a part of ``source``, at most ``most``; a few files stay together.

    Of each kind and size of file all have about as many. They are hard links, in new folders whose
    names begin with that of ``to``.
    """
    paths = list(files_below(source)) if most > 1 else []
    number = min(most, len(paths) // LEAST_FILES)
    if number < 2:
        return [source]
    paths.sort(key=lambda path: (path.suffix, path.stat().st_size, path))
    names = [path.relative_to(source).as_posix() for path in paths]
    folders = [to.with_name(f"{to.name}-{part}") for part in range(number)]
    for part, folder in enumerate(folders):
        _link(source, folder, names[part::number])
    return folders


def _link(source: Path, to: Path, names: Sequence[str]) -> None:
    to.mkdir()
    make_folders(to, names)
    for name in names:
        os.link(f"{source}/{name}", f"{to}/{name}")


def _is(settings_file: SettingsFile, name: str, path: Path) -> bool:
    lower = f"/{name.lower()}"
    if "/" in settings_file.glob:
        is_named = lower.endswith(f"/{settings_file.glob}")
    else:
        is_named = fnmatchcase(lower.rpartition("/")[2], settings_file.glob)
    if not is_named or not settings_file.holds or path.stat().st_size > LARGEST:
        return is_named
    return settings_file.holds.search(path.read_bytes()) is not None
