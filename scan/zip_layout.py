"""Checks that a zip consists of its entries, one directory and one end record, and nothing else.

Some unzippers use the directory at the end, some the local headers, some both. They find the same
files if, from the first byte to the last,

- 4.3.6: local header, packed data and data descriptor of each entry follow each other without a gap
  or an overlap, and the directory follows the last one,
- 4.3.7: each local header agrees with the directory,
- 4.3.9: each data descriptor agrees with it, too, and exists exactly if bit 3 of the flags is set.

The numbers are sections of PKWARE's APPNOTE.TXT 6.3.10. ``zip_data`` checks the length of the
packed data itself.
"""

import struct
from collections.abc import Sequence

from scan.zip_directory import End
from scan.zip_records import (
    DESCRIPTOR,
    DESCRIPTOR_SIGNATURE,
    ENCRYPTED_ANYHOW,
    END_MARKER,
    LOCAL,
    LOCAL_SIGNATURE,
    UTF8,
    ZIP64,
    Member,
    ambiguous,
    damaged,
    extra_fields,
    printable,
    read,
    second_name,
    widened,
)

# Bytes of the first read; most headers fit with their names and extra fields.
GUESS = 512
STORED, LZMA = 0, 14
# 4.3.9: with and without signature, with sizes of 4 and of 8 bytes.
DESCRIPTORS = {12: "<3L", 16: "<4x3L", 20: "<L2Q", 24: "<4xL2Q"}


def check_layout(file: int, end: End, members: Sequence[Member]) -> list[int]:
    """Where the packed data of each of ``members`` begins in ``file``, in their order.

    Raises:
        ScanError: another unzipper could find other files in it.
    """
    starts = [0] * len(members)
    order = sorted(range(len(members)), key=lambda index: members[index].offset)
    position = 0
    for number, index in enumerate(order):
        member = members[index]
        if member.offset != position:
            raise _not_at(position, member.offset, printable(member.name))
        is_last = number + 1 == len(order)
        following = end.offset if is_last else members[order[number + 1]].offset
        starts[index], is_zip64 = _check_local(file, member, end.offset)
        position = starts[index] + member.packed
        if member.flags & DESCRIPTOR:
            position = _check_descriptor(file, member, position, following, is_zip64)
    if position != end.offset:
        raise _not_at(position, end.offset, "the central directory")
    return starts


def _check_local(file: int, member: Member, limit: int) -> tuple[int, bool]:
    """Where the data of ``member`` begins, and whether its local header, 4.3.7, is zip64.

    Raises:
        ScanError: the header does not agree with the directory.
    """
    at = member.offset
    header = read(file, at, min(GUESS, limit - at))
    if len(header) < LOCAL.size or not header.startswith(LOCAL_SIGNATURE):
        raise damaged(f"{printable(member.name)} has no local header")
    fields = LOCAL.unpack_from(header)
    flags, method, crc, packed, size, name_length, extra_length = fields[2], fields[3], *fields[6:]
    length = LOCAL.size + name_length + extra_length
    if length > len(header):
        header = read(file, at, length)
    name_end = LOCAL.size + name_length
    name, is_zip64 = header[LOCAL.size : name_end], False
    if name != member.name:
        raise ambiguous(
            f"The local header of {printable(member.name)} has another name: {printable(name)}."
        )
    if extra_length:
        extra = extra_fields(header[name_end:length], name)
        is_zip64 = ZIP64 in extra
        size, packed = widened((size, packed), extra.get(ZIP64), name)
        if second_name(extra, name) not in (None, member.second_name):
            raise ambiguous(f"The local header of {printable(name)} has another Unicode name.")
    if differs := _difference(member, flags, method, crc, packed, size):
        raise ambiguous(
            f"The local header of {printable(name)} and the central directory differ: {differs}."
        )
    return at + length, is_zip64


def _difference(
    member: Member, flags: int, method: int, crc: int, packed: int, size: int
) -> str | None:
    """The first difference between a local header and the central directory, None for none."""
    matter = ENCRYPTED_ANYHOW | DESCRIPTOR
    if not member.name.isascii():
        matter |= UTF8
    if method == LZMA:
        matter |= END_MARKER
    if method != member.method:
        return f"method {method} and {member.method}"
    if (flags ^ member.flags) & matter:
        return f"flags {flags:#06x} and {member.flags:#06x}"
    # 4.4.4: with a data descriptor the values here are zero; some zip tools fill them in anyway.
    unset = {0} if member.flags & DESCRIPTOR else set()
    for what, here, there in (
        ("CRC", crc, member.crc),
        ("packed size", packed, member.packed),
        ("size", size, member.size),
    ):
        if here != there and here not in unset:
            return f"{what} {here:,} and {there:,}"
    return None


def _check_descriptor(file: int, member: Member, at: int, following: int, is_zip64: bool) -> int:
    """Where the data descriptor at ``at`` ends, 4.3.9; its length says which form it has."""
    layout = DESCRIPTORS.get(following - at)
    if layout is None:
        raise ambiguous(
            f"The data descriptor of {printable(member.name)} is missing or has a wrong length."
        )
    descriptor = read(file, at, following - at)
    starts_signed = descriptor.startswith(DESCRIPTOR_SIGNATURE)
    if struct.unpack(layout, descriptor) != (member.crc, member.packed, member.size):
        raise ambiguous(
            f"The data descriptor of {printable(member.name)} and the central directory differ."
        )
    # 4.3.9.2: sizes have 8 bytes if there is a zip64 extra field; some zip tools write 8 bytes
    # without one, too, which is not ambiguous.
    if is_zip64 and "Q" not in layout:
        raise ambiguous(f"The data descriptor of {printable(member.name)} has too short sizes.")
    is_signed = "x" in layout
    # Without a signature, reading from the start cannot find the end of uncompressed data.
    if starts_signed != is_signed or (member.method == STORED and not is_signed):
        raise ambiguous(f"The data descriptor of {printable(member.name)} can be read in two ways.")
    return following


def _not_at(position: int, offset: int, what: str) -> Exception:
    if offset < position:
        return ambiguous(f"In the zip, {what} overlaps what is before it.")
    where = "before the first entry" if position == 0 else f"before {what}"
    return ambiguous(f"{offset - position:,} bytes of the zip {where} belong to no entry.")
