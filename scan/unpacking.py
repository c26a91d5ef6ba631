"""Unpacks a zip that a stranger made: plain files below one folder, within limits, or nothing."""

import errno
import io
import lzma
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from scan.broken import Broken
from scan.job import UploadLimits
from scan.ledger import Entry

# A megabyte of zeros packs 1000 to 1 and harms nobody.
RATIO_MATTERS_FROM = 1024 * 1024
# What Linux takes: 255 bytes a name (NAME_MAX), 4096 a path (PATH_MAX), some of it for our folder.
LONGEST_NAME, LONGEST_PATH = 255, 3500
# An entry of the table of contents has 46 bytes and the name; more than this is made to exhaust us.
LARGEST_DIRECTORY_ENTRY = 1024
# APPNOTE.TXT 4.4.4 and 4.6.9.
ENCRYPTED, UNICODE_PATH = 0x1, 0x7075
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error)

ZIP_AGAIN = "Zip the code again, for example with `git archive --format=zip HEAD`, and upload it."
LEAVE_OUT = "Leave build results and dependencies out, or raise the upload limits in the settings."


def unpack(archive: Path, to: Path, limits: UploadLimits) -> list[Entry]:
    """Unpack ``archive`` into the folder ``to`` and return the files that there are.

    Files only: no modes, owners or links. A link that stays inside is left out (what it names is
    there under its own name); anything else that is not a file or folder is refused.

    Raises:
        Broken: says what is wrong with the zip; what was unpacked until then is not to be scanned.
    """
    try:
        with _Guarded(archive, limits) as guarded, zipfile.ZipFile(guarded) as opened:
            files = _checked(opened, limits, archive.stat().st_size)
            for info, path in files:
                target = to / path
                target.parent.mkdir(parents=True, exist_ok=True)
                # zipfile never gives more than the size that the entry declares.
                with opened.open(info) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file)
    except NotImplementedError as error:
        raise Broken(
            "UnsupportedZip", f"The zip is packed in an unusual way: {error}.", ZIP_AGAIN
        ) from error
    except DAMAGED as error:
        raise _not_readable(archive, error) from error
    except OSError as error:
        # zipfile follows offsets that the zip declares, also to before its start; bz2 has no error
        # of its own, and no number.
        if error.errno not in (errno.EINVAL, None):
            raise
        raise _not_readable(archive, error) from error
    if not files:
        raise Broken("EmptyUpload", "The zip holds no files.", ZIP_AGAIN)
    names = [str(path) for _, path in files]
    if all(zipfile.is_zipfile(to / name) for name in names):
        raise Broken(
            "OnlyArchives",
            f"The zip holds nothing but other zips ({names[0]}); those are not unpacked.",
            "Upload the inner zip itself.",
        )
    return [Entry(path=str(path), size=info.file_size) for info, path in files]


class _Guarded(io.FileIO):
    """A file that does not let a huge table of contents be read into memory."""

    def __init__(self, path: Path, limits: UploadLimits) -> None:
        super().__init__(path)
        self._most = max(limits.files, 1024) * LARGEST_DIRECTORY_ENTRY

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most:
            raise Broken(
                "TooManyFiles", f"The zip's table of contents alone has {size:,} bytes.", LEAVE_OUT
            )
        return super().read(size) or b""


def _checked(
    opened: zipfile.ZipFile, limits: UploadLimits, packed: int
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files to write and where to; nothing has been written when this refuses."""
    entries = opened.infolist()
    if len(entries) > limits.files:
        raise Broken(
            "TooManyFiles",
            f"The zip has {len(entries):,} entries; {limits.files:,} are allowed.",
            LEAVE_OUT,
        )
    unpacked = sum(each.file_size for each in entries)
    if unpacked > max(packed * limits.ratio, RATIO_MATTERS_FROM):
        raise Broken(
            "ZipBomb",
            f"The zip unpacks to {unpacked // packed:,} times its size; "
            f"{limits.ratio} times is allowed.",
            LEAVE_OUT,
        )
    if unpacked > limits.bytes:
        raise Broken(
            "UploadTooLarge",
            f"The zip unpacks to {unpacked:,} bytes; {limits.bytes:,} are allowed.",
            LEAVE_OUT,
        )
    files = []
    for entry in entries:
        name = _name(entry)
        if name.endswith("/"):
            continue
        path = PurePosixPath(name)
        if entry.flag_bits & ENCRYPTED:
            raise Broken(
                "EncryptedEntry", f"{path} is encrypted.", "Zip the code without a password."
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind == stat.S_IFLNK:
            _check_link(opened, entry, path)
        elif kind in {0, stat.S_IFREG}:
            files.append((entry, path))
        else:
            raise _unsafe(f"{path} is neither a file nor a folder.")
    _check_clashes([path for _, path in files])
    return files


def _name(entry: zipfile.ZipInfo) -> str:
    """The name, when it is one below the folder that the zip is unpacked to."""
    # Windows tools write backslashes; and zipfile cuts a name at NUL, where others do not.
    name = _unicode_name(entry).replace("\\", "/")
    path = PurePosixPath(name)
    shown = ascii(name if len(name) <= 80 else f"{name[:80]}...")
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise _unsafe(f"The name {shown} leaves the folder that it is unpacked to.")
    if not name.isprintable() or not (path.parts or name.endswith("/")):
        raise _unsafe(f"The name {shown} is not a file name.")
    longest = max((len(each.encode()) for each in path.parts), default=0)
    if longest > LONGEST_NAME or len(name.encode()) > LONGEST_PATH:
        raise _unsafe(f"The name {shown} is too long.")
    return name


def _unicode_name(entry: zipfile.ZipInfo) -> str:
    """The name that other unzippers use: an extra field may hold a second one."""
    name, extra = entry.orig_filename, entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == UNICODE_PATH:
            second = extra[9 : 4 + size].decode()
            if PurePosixPath(second).suffix != PurePosixPath(name).suffix:
                raise _unsafe(f"The entry {name[:80]!a} has a second name of another kind.")
            return second
        extra = extra[4 + size :]
    return name


def _check_link(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: PurePosixPath) -> None:
    with opened.open(entry) as file:
        target = PurePosixPath(file.read(LONGEST_PATH).decode("utf-8", "replace"))
    depth = len(path.parts) - 1
    for part in target.parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or target.is_absolute():
            raise _unsafe(f"{path} is a link that leaves the zip.")


def _check_clashes(paths: list[PurePosixPath]) -> None:
    """One name must mean one file, on every machine that unpacks the zip."""
    seen: dict[str, PurePosixPath] = {}
    for path in paths:
        first = seen.setdefault(_folded(path), path)
        if first is not path:
            how = "twice" if first == path else f"and so is {first}: they differ by case only"
            raise _unsafe(f"{path} is in the zip {how}.")
    for path in paths:
        for parent in path.parents:
            if _folded(parent) in seen:
                raise _unsafe(f"{parent} is in the zip as a file and as a folder.")


def _folded(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _unsafe(message: str) -> Broken:
    return Broken("UnsafeEntry", message, ZIP_AGAIN)


def _not_readable(archive: Path, error: Exception) -> Broken:
    with archive.open("rb") as file:
        start = file.read(4)
    if start in {b"PK\x03\x04", b"PK\x05\x06"}:
        why = str(error).rstrip(".") or type(error).__name__
        return Broken("DamagedZip", f"The zip is cut off or damaged: {why}.", ZIP_AGAIN)
    return Broken("NotAZip", "What was uploaded is not a zip.", ZIP_AGAIN)
