"""Finds the files that an unzipper writes and that the ledger does not have."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath

from scan.errors import ScanError
from scan.job import UploadLimits
from scan.ledger import Entry
from scan.unpacking import unpack
from tests.fuzz.unzippers import Unzipper
from tests.scan.emptying import empty

LIMITS = UploadLimits(files=1000, bytes=64 * 1024**2, ratio=10_000)
# Names that every unzipper writes unchanged. Others may be written in another code page, with
# backslashes, or with replacement characters.
EVERYWHERE = re.compile(r"[A-Za-z0-9 ._/+-]*")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The outcome of one zip: ``refusal`` is its code, or empty; ``unseen`` says who wrote what.

    ``written`` counts the files of all unzippers, ``cut`` those among them that an unzipper left
    incomplete when it failed with an error.
    """

    refusal: str
    unseen: Sequence[str] = ()
    written: int = 0
    cut: int = 0


def compare(body: bytes, folder: Path, unzippers: Mapping[str, Unzipper]) -> Comparison:
    """Unpack the zip ``body`` with ``scan`` and with all ``unzippers`` in the empty ``folder``."""
    archive, ours = folder / "upload.zip", folder / "ours"
    archive.write_bytes(body)
    ours.mkdir()
    try:
        entries = unpack(archive, ours, LIMITS)
    except ScanError as scan_error:
        empty(folder)
        return Comparison(refusal=scan_error.code)
    unseen, written, cut = [], 0, 0
    for name, unzip in unzippers.items():
        to = folder / "theirs"
        to.mkdir()
        all_well = unzip(archive, to)
        for path, content in _files(to):
            written += 1
            if _has(entries, ours, path, content):
                continue
            if not all_well and _is_cut(entries, ours, path, content):
                cut += 1
            else:
                unseen.append(f"{name}: {path!a} {content[:60]!r}")
        empty(to)
        to.rmdir()
        unseen += [
            f"{name}: outside: {path.name!a}"
            for path in folder.iterdir()
            if path not in (archive, ours)
        ]
    empty(folder)
    return Comparison(refusal="", unseen=unseen, written=written, cut=cut)


def _files(folder: Path) -> Iterator[tuple[str, bytes | str]]:
    """Path and content of all files below ``folder``; for a link, its target as text."""
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(where, name)
            if path.is_symlink():
                yield _below(path, folder), os.readlink(path)
            elif path.is_file():
                path.chmod(0o600)
                yield _below(path, folder), path.read_bytes()


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _has(entries: Sequence[Entry], ours: Path, path: str, content: bytes | str) -> bool:
    """Whether the ledger has that file."""
    return any(_is_same(entry, ours, content) for entry in _namesakes(entries, path))


def _namesakes(entries: Sequence[Entry], path: str) -> list[Entry]:
    """The entry with that path, and those of its suffix whose names may be written otherwise."""
    return [
        entry
        for entry in entries
        if entry.path in (path, path.replace("\\", "/"))
        or (not EVERYWHERE.fullmatch(entry.path) and _suffix(entry.path) == _suffix(path))
    ]


def _suffix(path: str) -> str:
    """The suffix, which means code only if it is all ASCII."""
    # Unzip drops the carriage return in the name of Finder's icon files.
    _, dot, suffix = path.rstrip("\r").rpartition("/")[2].rpartition(".")
    return dot + (suffix if suffix.isascii() else "in another script") if dot else ""


def _is_cut(entries: Sequence[Entry], ours: Path, path: str, content: bytes | str) -> bool:
    """Whether it is the beginning of a file in the ledger, or continues after its end.

    Busybox does not know zip64, and bsdtar does not find the end of stored data in a stream.
    """
    return isinstance(content, bytes) and any(
        whole.startswith(content) or content.startswith(whole)
        for entry in _namesakes(entries, path)
        for whole in _contents(entry, ours)
    )


def _is_same(entry: Entry, ours: Path, content: bytes | str) -> bool:
    if isinstance(content, bytes):
        return content in _contents(entry, ours)
    # 7-Zip writes the shortest path to the same file.
    return entry.link is not None and normpath(entry.link) == normpath(content)


def _contents(entry: Entry, ours: Path) -> list[bytes]:
    """The possible contents of the file: for a link, also its target's name."""
    link = [] if entry.link is None else [entry.link.encode()]
    return link if entry.folder is not None else [*link, (ours / entry.path).read_bytes()]
