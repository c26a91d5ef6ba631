"""Unpacks an untrusted zip to plain files below one folder, within limits, or refuses it."""

import os
import shutil
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.archive_links import LONGEST_TARGET
from domain.archive_names import LONGEST_PATH
from scan.errors import ScanError
from scan.folders import make_folders
from scan.job import UploadLimits
from scan.ledger import Entry
from scan.zip_data import METHODS, unpacked, unsupported
from scan.zip_directory import END_SIGNATURE, End, read_directory, read_end
from scan.zip_layout import check_layout
from scan.zip_links import lead_to
from scan.zip_names import check_clashes, path_of, unsafe
from scan.zip_records import (
    ENCRYPTED_ANYHOW,
    LOCAL_SIGNATURE,
    ZIP_AGAIN,
    Member,
    ambiguous,
    printable,
)

# In bytes, unpacked. A megabyte of zeros compresses 1000 to 1 and is harmless.
RATIO_MATTERS_FROM = 1024 * 1024
# In bytes. An entry of the central directory has 46 bytes and the name; a directory that is much
# larger is an attempt to exhaust memory.
LARGEST_DIRECTORY_ENTRY = 1024

LEAVE_OUT = "Leave build results and dependencies out, or raise the upload limits in the settings."


@dataclass(frozen=True, kw_only=True)
class _Sorted:
    """The indexes of a zip's members by their kind; the same folder can be there twice."""

    files: dict[str, int] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)
    folders: dict[int, str] = field(default_factory=dict)


def unpack(archive: Path, to: Path, limits: UploadLimits) -> list[Entry]:
    """Unpack ``archive`` into the empty folder ``to`` and return its files.

    Modes, owners and links are not restored. A link to a file becomes a copy of that file under the
    link's name; a link to a folder is returned, but not created on disk.

    Raises:
        ScanError: the zip is refused; files that were already unpacked must not be scanned.
    """
    length = archive.stat().st_size
    with archive.open("rb", buffering=0) as opened:
        file = opened.fileno()
        end = _read_end(file, length)
        _check_directory(end, limits)
        members = read_directory(file, end)
        _check_sizes(members, length, limits)
        entries = _sorted(members, LONGEST_PATH - len(os.fsencode(to)) - 1)
        folders = check_clashes(
            [*entries.files, *entries.links],
            entries.folders.values(),
            most_folders=max(4 * limits.files, LONGEST_PATH),
        )
        starts = check_layout(file, end, members)
        targets = {
            path: _target(file, starts[index], members[index])
            for path, index in entries.links.items()
        }
        ends = lead_to(targets, entries.files, folders)
        _check_copies(members, entries, ends, limits)
        for index in entries.folders:
            # Java's zips have compressed data of length zero for folders; check it as well.
            for _ in unpacked(file, starts[index], members[index]):
                pass
        make_folders(to, [*entries.files, *ends])
        for path, index in entries.files.items():
            with open(f"{to}/{path}", "xb", buffering=0) as written:
                written.writelines(unpacked(file, starts[index], members[index]))
    if not entries.files:
        raise ScanError("EmptyUpload", "The zip holds no files.", ZIP_AGAIN)
    if all(zipfile.is_zipfile(to / path) for path in entries.files):
        raise ScanError(
            "OnlyArchives",
            "The zip holds nothing but other zips "
            f"({printable(next(iter(entries.files)))}); those are not unpacked.",
            "Upload the inner zip itself.",
        )
    files = [Entry(path=path, size=members[at].size) for path, at in entries.files.items()]
    return files + [
        _linked(to, path, targets[path], ends[path], members, entries) for path in targets
    ]


def _read_end(file: int, length: int) -> End:
    try:
        return read_end(file, length)
    except ScanError as scan_error:
        start = os.pread(file, 4, 0)
        if scan_error.code != "DamagedZip" or start in {LOCAL_SIGNATURE, END_SIGNATURE}:
            raise
        raise ScanError("NotAZip", "What was uploaded is not a zip.", ZIP_AGAIN) from scan_error


def _check_directory(end: End, limits: UploadLimits) -> None:
    """Refuse too many entries before the directory is read into memory."""
    if end.size > max(limits.files, 1024) * LARGEST_DIRECTORY_ENTRY:
        raise ScanError(
            "TooManyFiles", f"The zip's table of contents alone has {end.size:,} bytes.", LEAVE_OUT
        )
    if end.entries > limits.files:
        raise ScanError(
            "TooManyFiles",
            f"The zip has {end.entries:,} entries; {limits.files:,} are allowed.",
            LEAVE_OUT,
        )


def _check_sizes(members: Sequence[Member], packed: int, limits: UploadLimits) -> None:
    size = sum(member.size for member in members)
    if size > max(packed * limits.ratio, RATIO_MATTERS_FROM):
        raise ScanError(
            "ZipBomb",
            f"The zip unpacks to {size // packed:,} times its size; "
            f"{limits.ratio} times is allowed.",
            LEAVE_OUT,
        )
    _check_bytes(size, limits)


def _check_bytes(size: int, limits: UploadLimits) -> None:
    if size > limits.bytes:
        raise ScanError(
            "UploadTooLarge",
            f"The zip unpacks to {size:,} bytes; {limits.bytes:,} are allowed.",
            LEAVE_OUT,
        )


def _sorted(members: Sequence[Member], longest: int) -> _Sorted:
    entries = _Sorted()
    for index, member in enumerate(members):
        path = path_of(member, longest)
        if member.flags & ENCRYPTED_ANYHOW:
            raise ScanError(
                "EncryptedEntry",
                f"{printable(path)} is encrypted.",
                "Zip the code without a password.",
            )
        if member.method not in METHODS:
            raise unsupported(f"compression method {member.method}")
        kind = stat.S_IFMT(member.mode)
        if member.name.endswith(b"/"):
            _check_folder(member, kind, path)
            entries.folders[index] = path
        elif member.is_dos_folder or kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
            raise unsafe(f"{printable(path)} is neither a file nor a folder.")
        else:
            same_kind = entries.links if kind == stat.S_IFLNK else entries.files
            if path in entries.files or path in entries.links:
                raise unsafe(f"{printable(path)} is in the zip twice.")
            same_kind[path] = index
    return entries


def _check_folder(member: Member, kind: int, path: str) -> None:
    if member.size:
        raise ambiguous(f"{printable(path)} is a folder with content of its own.")
    # Some zip tools give folders the mode of a file.
    if kind not in {0, stat.S_IFDIR, stat.S_IFREG}:
        raise unsafe(f"{printable(path)} is neither a file nor a folder.")


def _target(file: int, start: int, member: Member) -> str:
    if member.size > LONGEST_TARGET:
        raise unsafe(f"{printable(member.name)} is a link with too long a target.")
    try:
        return b"".join(unpacked(file, start, member)).decode()
    except UnicodeDecodeError:
        raise unsafe(
            f"{printable(member.name)} is a link to something that is not in the zip."
        ) from None


def _check_copies(
    members: Sequence[Member], entries: _Sorted, ends: Mapping[str, str], limits: UploadLimits
) -> None:
    """A link to a file counts as a copy of that file."""
    copies = sum(members[entries.files[end]].size for end in ends.values() if end in entries.files)
    _check_bytes(sum(members[index].size for index in entries.files.values()) + copies, limits)


def _linked(
    to: Path, path: str, target: str, end: str, members: Sequence[Member], entries: _Sorted
) -> Entry:
    """The link ``path`` as an entry; on disk it is a copy of the file ``end``."""
    if end not in entries.files:
        return Entry(path=path, size=0, link=target, folder=end)
    try:
        os.link(to / end, to / path)
    except OSError:
        # The file system does not support hard links, or the file has too many.
        shutil.copyfile(to / end, to / path)
    return Entry(path=path, size=members[entries.files[end]].size, link=target)
