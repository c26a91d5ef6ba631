"""Packs files into a zip that is the same, byte for byte, whenever and wherever it is made.

Names are sorted; times and modes are constant, and only the bit for executables is the file's. The
same version of zlib is needed, as another one may compress otherwise.
"""

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from domain.archive_links import LONGEST_TARGET, lead_to
from domain.archive_names import UnsafeName, checked, folded, printable
from ops.errors import CommandError
from ops.upload.git import CHUNK, LINK, Blobs, blobs
from ops.upload.source import Entry, Source, unreadable

# The first time that a zip can have (APPNOTE.TXT 6.3.10, 4.4.6).
TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3  # 4.4.2: the modes are Unix's


def pack(source: Source, target: IO[bytes]) -> None:
    """Write the entries of ``source`` to ``target``, which can seek.

    Raises:
        CommandError: the scan would refuse them, or they change meanwhile.
    """
    entries = sorted(source.entries or (), key=lambda entry: os.fsencode(entry.path))
    from_git = any(entry.blob for entry in entries)
    with blobs(source.path) if from_git else nullcontext() as contents:
        reader = _Reader(source.path, contents)
        targets = {entry.path: reader.target(entry) for entry in entries if entry.mode == LINK}
        _check(entries, targets)
        try:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                for entry in entries:
                    _add(archive, entry, *reader.content(entry))
        except OSError as error:
            raise CommandError(
                f"the zip cannot be written: {error}", "set TMPDIR to a folder with more room"
            ) from error


class _Reader:
    """Reads files and links, from the folder or from Git."""

    def __init__(self, root: Path, contents: Blobs | None) -> None:
        self._root, self._contents = root, contents

    def content(self, entry: Entry) -> tuple[int, Iterator[bytes]]:
        if entry.blob:
            assert self._contents
            return self._contents.read(entry.blob)
        path = self._root / entry.path
        try:
            if entry.mode == LINK:
                link = os.fsencode(path.readlink())
                return len(link), iter((link,))
            before = path.stat()
        except FileNotFoundError as error:
            raise _changed(path) from error
        except OSError as error:
            raise unreadable(error, path) from error
        return before.st_size, _unchanged(path, before)

    def target(self, entry: Entry) -> str:
        size, chunks = self.content(entry)
        return os.fsdecode(b"".join(chunks)) if size <= LONGEST_TARGET else "\0" * size


def _unchanged(path: Path, before: os.stat_result) -> Iterator[bytes]:
    """The content of a file, which must be as it was ``before``."""
    size = 0
    try:
        with path.open("rb", buffering=0) as file:
            # A file that grows could otherwise go on for ever.
            while size <= before.st_size and (chunk := file.read(CHUNK)):
                size += len(chunk)
                yield chunk
            after = os.fstat(file.fileno())
    except FileNotFoundError as error:
        raise _changed(path) from error
    except OSError as error:
        raise unreadable(error, path) from error
    if not size == before.st_size == after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise _changed(path)


def _changed(path: Path) -> CommandError:
    return CommandError(f"{path} changed while it was packed", "run the command again")


def _add(archive: zipfile.ZipFile, entry: Entry, size: int, chunks: Iterator[bytes]) -> None:
    info = zipfile.ZipInfo(entry.path, TIME)
    info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, UNIX
    info.external_attr = entry.mode << 16
    info.file_size = size  # by which zip64 is chosen
    with archive.open(info, "w") as written:
        for chunk in chunks:
            written.write(chunk)


def _check(entries: Sequence[Entry], targets: Mapping[str, str]) -> None:
    """Refuse what the scan of the zip would refuse."""
    try:
        _check_names(entries)
        files = {entry.path for entry in entries} - targets.keys()
        for link, target in targets.items():
            if len(os.fsencode(target)) > LONGEST_TARGET:
                raise UnsafeName(f"{printable(link)} is a link with too long a target.")
        lead_to(targets, files, _folders(entries))
    except UnsafeName as problem:
        raise CommandError(
            f"the scan would refuse the zip: {problem}",
            "rename that file or link, or leave it out (docs/archives.md)",
        ) from problem


def _check_names(entries: Sequence[Entry]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        if checked(entry.path) != entry.path:
            raise UnsafeName(f"The name {printable(entry.path)} has a backslash.")
        first = seen.setdefault(folded(entry.path), entry.path)
        if first != entry.path:
            raise UnsafeName(f"{printable(entry.path)} and {printable(first)} differ by case only.")
    for folder in _folders(entries):
        if folded(folder) in seen:
            raise UnsafeName(f"{printable(folder)} is there as a file and as a folder.")


def _folders(entries: Sequence[Entry]) -> set[str]:
    folders = {""}
    for entry in entries:
        folder = entry.path
        while (folder := folder.rpartition("/")[0]) not in folders:
            folders.add(folder)
    return folders
