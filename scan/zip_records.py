"""The records of a zip, as PKWARE's APPNOTE.TXT 6.3.10 defines them.

Ambiguous records are refused: if a field is there twice (in the record and in its zip64 extra
field), both values must agree.
"""

import os
import struct
from typing import NamedTuple

from domain import archive_names
from scan.errors import ScanError

# 4.3.7 local file header, 4.3.12 central directory header.
LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL_SIGNATURE, CENTRAL_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
# 4.4.4: bits of the general purpose flag.
ENCRYPTED, END_MARKER, DESCRIPTOR, UTF8 = 0x1, 0x2, 0x8, 0x800
ENCRYPTED_ANYHOW = ENCRYPTED | 0x40 | 0x2000
# 4.5.3 and 4.6.9: extra fields that replace what the header says.
ZIP64, UNICODE_PATH = 0x0001, 0x7075
# Extra fields with a second file mode, by which some unzippers take a file for a link: ASi's, and
# libarchive's for streams (its archive_write_set_format_zip.c).
OTHER_MODES = {0x756E, 0x6C78}
FULL, FULL64 = 0xFFFF, 0xFFFFFFFF
LARGEST_OFFSET = 2**63 - 1

ZIP_AGAIN = "Zip the code again, for example with `git archive --format=zip HEAD`, and upload it."


class Member(NamedTuple):
    """One entry of the central directory; ``packed`` and ``size`` are in bytes.

    ``name`` and ``second_name`` (of the Unicode path extra field, or None) are bytes, ``mode`` the
    Unix file mode or 0, ``offset`` that of the local header.
    """

    name: bytes
    second_name: bytes | None
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    is_dos_folder: bool


def read(file: int, offset: int, size: int) -> bytes:
    """Exactly ``size`` bytes of the open ``file`` (a descriptor) at ``offset``."""
    # Zip64 offsets can be larger than the system accepts.
    chunk = os.pread(file, size, offset) if size >= 0 and 0 <= offset <= LARGEST_OFFSET else b""
    if len(chunk) != size:
        raise damaged("it ends in the middle of an entry")
    return chunk


def widened(values: tuple[int, ...], field: bytes | None, name: bytes) -> tuple[int, ...]:
    """``values`` of a header, with the 32-bit maximum replaced from the zip64 extra field, 4.5.3.

    The field has, in the order of the header, only the values that are at the maximum there. Some
    zips have the field although no value is: then both must agree.
    """
    if field is None:
        return values
    wide = [value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
    left = [at for at, value in enumerate(values) if value == FULL64]
    if left and len(wide) == len(left) and not len(field) % 8:
        taken = dict(zip(left, wide, strict=True))
        return tuple(taken.get(at, value) for at, value in enumerate(values))
    if left or len(field) % 8 or tuple(wide) != values[: len(wide)]:
        raise ambiguous(f"The zip64 extra field of {printable(name)} does not fit its header.")
    return values


def extra_fields(extra: bytes, name: bytes) -> dict[int, bytes]:
    """The extra fields of an entry by their ids, 4.5.1; those used here must not be there twice."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        at += 4
        if at + size > len(extra):
            raise damaged(f"the extra fields of {printable(name)} are cut")
        if kind in fields and kind in {ZIP64, UNICODE_PATH}:
            raise ambiguous(f"{printable(name)} has two extra fields of one kind.")
        if kind in OTHER_MODES:
            raise ambiguous(f"{printable(name)} has an extra field with a second file mode.")
        fields[kind] = extra[at : at + size]
        at += size
    # Android's zipalign pads with zeros, which may be fewer than a field's header has.
    if extra[at:].strip(b"\0"):
        raise damaged(f"the extra fields of {printable(name)} are cut")
    return fields


def second_name(fields: dict[int, bytes], name: bytes) -> bytes | None:
    """The name in the Unicode path extra field, 4.6.9: version, CRC of the other name, UTF-8."""
    field = fields.get(UNICODE_PATH)
    if field is None:
        return None
    if len(field) < 5 or field[0] != 1:
        raise ambiguous(f"The Unicode name of {printable(name)} cannot be read.")
    return field[5:]


def printable(name: bytes | str) -> str:
    """An untrusted name, quoted, escaped and cut, for messages."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    return archive_names.printable(text)


def ambiguous(message: str) -> ScanError:
    """The error for a zip in which two unzippers could find different files."""
    return ScanError("AmbiguousZip", message, ZIP_AGAIN)


def damaged(why: str) -> ScanError:
    """The error for a zip that cannot be read."""
    return ScanError("DamagedZip", f"The zip is cut off or damaged: {why}.", ZIP_AGAIN)
