"""Removes files from an upload that would configure the scanner, for example suppress findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from domain.findings import IgnoredSetting
from scan.content import sha256
from scan.folders import files_below
from scan.language import kind_of
from scan.sarif.recipes import SettingsFile

# In bytes; larger files are removed without reading them.
LARGEST = 1024 * 1024
REASON = "removed: the scanner would read it as its settings"


@dataclass(frozen=True, kw_only=True)
class RemovedSettings:
    """The removed files, and the SHA-256 of each; those that are code are also in ``unread``."""

    ignored: Sequence[IgnoredSetting]
    unread: dict[str, str]
    contents: dict[str, str]


def remove(
    source: Path, settings_files: Sequence[SettingsFile], *, exclusions_too: bool
) -> RemovedSettings:
    """Remove ``settings_files`` from ``source``, at any depth and regardless of case."""
    selected = [
        settings_file
        for settings_file in settings_files
        if exclusions_too or not settings_file.excludes
    ]
    ignored, unread, contents = [], {}, {}
    for name in sorted(path.relative_to(source).as_posix() for path in files_below(source)):
        path = source / name
        if not any(_is(setting, name, path) for setting in selected):
            continue
        with path.open(encoding="utf-8", errors="replace") as file:
            value = file.read(200)
        ignored.append(IgnoredSetting(file=name, key=path.name, value=value, weakens=True))
        if kind_of(path, name).is_code:
            unread[name] = REASON
        if hashed := sha256(path):
            contents[name] = hashed
        path.unlink()
    return RemovedSettings(ignored=ignored, unread=unread, contents=contents)


def _is(settings_file: SettingsFile, name: str, path: Path) -> bool:
    lower = f"/{name.lower()}"
    if "/" in settings_file.glob:
        is_named = lower.endswith(f"/{settings_file.glob}")
    else:
        is_named = fnmatchcase(lower.rpartition("/")[2], settings_file.glob)
    if not is_named or not settings_file.holds or path.stat().st_size > LARGEST:
        return is_named
    return settings_file.holds.search(path.read_bytes()) is not None
