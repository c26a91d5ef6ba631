"""Reads the end record of a zip, and the central directory that it points to.

APPNOTE.TXT 6.3.10, 4.3.12 to 4.3.16; see ``zip_records``.
"""

import struct
from typing import NamedTuple

from scan.errors import ScanError
from scan.zip_records import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    FULL,
    FULL64,
    ZIP64,
    ZIP_AGAIN,
    Member,
    ambiguous,
    damaged,
    extra_fields,
    read,
    second_name,
    widened,
)

# 4.3.16 end of central directory record, 4.3.14 zip64 end of central directory record, 4.3.15 its
# locator.
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
END_SIGNATURE, END64_SIGNATURE, LOCATOR_SIGNATURE = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


class End(NamedTuple):
    """The central directory by the end record: ``entries`` in ``size`` bytes from ``offset`` on."""

    entries: int
    size: int
    offset: int


def read_end(file: int, length: int) -> End:
    """The end record, 4.3.14 to 4.3.16, of a zip of ``length`` bytes."""
    start = max(0, length - END.size - FULL - LOCATOR.size)
    tail = read(file, start, length - start)
    at = tail.rfind(END_SIGNATURE)
    if at < 0 or len(tail) - at < END.size:
        raise damaged("it has no end record")
    end = END.unpack_from(tail, at)
    comment = len(tail) - at - END.size
    if end[7] != comment:
        raise ambiguous(
            f"The zip's end record declares a comment of {end[7]:,} bytes, and {comment:,} follow."
        )
    if _another_end(tail, at):
        raise ambiguous("The zip has more than one end record.")
    position = start + at
    if at >= LOCATOR.size and tail.startswith(LOCATOR_SIGNATURE, at - LOCATOR.size):
        position, fields = _read_end64(file, position - LOCATOR.size, end)
    else:
        fields = end[1:7]
    disk, first_disk, here, entries, size, offset = fields
    if disk or first_disk or here != entries:
        raise ScanError("UnsupportedZip", "The zip is one part of several.", ZIP_AGAIN)
    if offset + size != position:
        raise ambiguous(
            "The zip's central directory does not end where its end record begins: "
            f"at byte {offset + size:,} instead of {position:,}."
        )
    return End(entries, size, offset)


def _another_end(tail: bytes, last: int) -> bool:
    """Whether an earlier end record is valid, too: its comment reaches to the end of the zip."""
    at = tail.find(END_SIGNATURE)
    while at < last:
        if at + END.size <= len(tail) and at + END.size + END.unpack_from(tail, at)[7] == len(tail):
            return True
        at = tail.find(END_SIGNATURE, at + 1)
    return False


def _read_end64(file: int, locator_at: int, end: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Where the zip64 end record begins, and its fields, which ``end`` must not contradict."""
    _, disk, offset, disks = LOCATOR.unpack(read(file, locator_at, LOCATOR.size))
    if disk or disks > 1:
        raise ScanError("UnsupportedZip", "The zip is one part of several.", ZIP_AGAIN)
    if offset + END64.size != locator_at:
        raise ambiguous("The zip64 end record is not right before its locator.")
    signature, size, _, _, *fields = END64.unpack(read(file, offset, END64.size))
    # 4.3.14.1: the size does not count itself and the signature.
    if signature != END64_SIGNATURE or size != END64.size - 12:
        raise ambiguous("The zip64 end record is not where its locator says, or of another length.")
    for short, wide, full in zip(end[1:7], fields, [FULL] * 4 + [FULL64] * 2, strict=True):
        if short not in (full, wide):
            raise ambiguous("The end record and the zip64 end record differ.")
    return offset, tuple(fields)


def read_directory(file: int, end: End) -> list[Member]:
    """The entries of the central directory, 4.3.12."""
    directory, members, at = read(file, end.offset, end.size), [], 0
    for _ in range(end.entries):
        if at + CENTRAL.size > end.size:
            raise ambiguous("The zip's central directory has fewer entries than it declares.")
        member, at = _member(directory, at)
        members.append(member)
    if at != end.size:
        raise ambiguous("The zip's central directory holds more than the entries it declares.")
    return members


def _member(directory: bytes, at: int) -> tuple[Member, int]:
    (
        signature, _, _, flags, method, _, _, crc, packed, size,
        name_length, extra_length, comment_length, disk, _, attributes, offset,
    ) = CENTRAL.unpack_from(directory, at)  # fmt: skip
    name_at = at + CENTRAL.size
    extra_at = name_at + name_length
    following = extra_at + extra_length + comment_length
    if signature != CENTRAL_SIGNATURE or following > len(directory):
        raise damaged("its central directory is cut or overwritten")
    name = directory[name_at:extra_at]
    extra = extra_fields(directory[extra_at : extra_at + extra_length], name)
    wide = extra.get(ZIP64)
    if wide is not None and disk == FULL:
        disk, wide = int.from_bytes(wide[-4:], "little"), wide[:-4]
    if disk:
        raise ScanError("UnsupportedZip", "The zip is one part of several.", ZIP_AGAIN)
    size, packed, offset = widened((size, packed, offset), wide, name)
    member = Member(
        name, second_name(extra, name), flags, method, crc, packed, size, offset,
        attributes >> 16, bool(attributes & 0x10),
    )  # fmt: skip
    return member, following
