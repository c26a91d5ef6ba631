"""The records of a zip, each as PKWARE's APPNOTE.TXT 6.3.10 lays it out.

Only one reading of a record is let through: where a field stands twice (in the record and in its
zip64 extra field), both must say the same.
"""

import os
import struct
from typing import NamedTuple

from scan.broken import Broken

# 4.3.7 local file header, 4.3.12 central directory header, 4.3.16 end of central directory record,
# 4.3.14 zip64 end of central directory record, 4.3.15 its locator.
LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
LOCAL_SIGNATURE, CENTRAL_SIGNATURE, END_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64_SIGNATURE, LOCATOR_SIGNATURE = b"PK\x06\x06", b"PK\x06\x07"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
# 4.4.4: bits of the general purpose flag.
ENCRYPTED, END_MARKER, DESCRIPTOR, UTF8 = 0x1, 0x2, 0x8, 0x800
ENCRYPTED_ANYHOW = ENCRYPTED | 0x40 | 0x2000
# 4.5.3 and 4.6.9: extra fields that replace what the header says.
ZIP64, UNICODE_PATH = 0x0001, 0x7075
# Extra fields with a mode of their own, which make some unzippers take a file for a link: ASi's,
# and libarchive's for streams (its archive_write_set_format_zip.c).
OTHER_MODES = {0x756E, 0x6C78}
FULL, FULL64 = 0xFFFF, 0xFFFFFFFF
LARGEST_OFFSET = 2**63 - 1

ZIP_AGAIN = "Zip the code again, for example with `git archive --format=zip HEAD`, and upload it."


class End(NamedTuple):
    """What the end of a zip says: ``entries`` of them lie in ``size`` bytes from ``offset`` on."""

    entries: int
    size: int
    offset: int


class Member(NamedTuple):
    """One entry as the central directory has it; ``packed`` and ``size`` in bytes.

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
    """``size`` bytes of the open ``file`` (its descriptor), not fewer."""
    # Zip64 can name more than the system takes for an offset.
    piece = os.pread(file, size, offset) if size >= 0 and 0 <= offset <= LARGEST_OFFSET else b""
    if len(piece) != size:
        raise damaged("it ends in the middle of an entry")
    return piece


def read_end(file: int, length: int) -> End:
    """The end of the zip, 4.3.14 to 4.3.16; the zip is ``length`` bytes long."""
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
        raise Broken("UnsupportedZip", "The zip is one part of several.", ZIP_AGAIN)
    if offset + size != position:
        raise ambiguous(
            "The zip's central directory does not end where its end record begins: "
            f"at byte {offset + size:,} instead of {position:,}."
        )
    return End(entries, size, offset)


def _another_end(tail: bytes, last: int) -> bool:
    """Whether an end record before the ``last`` one has a comment up to the end of the zip."""
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
        raise Broken("UnsupportedZip", "The zip is one part of several.", ZIP_AGAIN)
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
        raise Broken("UnsupportedZip", "The zip is one part of several.", ZIP_AGAIN)
    size, packed, offset = widened((size, packed, offset), wide, name)
    member = Member(
        name, second_name(extra, name), flags, method, crc, packed, size, offset,
        attributes >> 16, bool(attributes & 0x10),
    )  # fmt: skip
    return member, following


def widened(values: tuple[int, ...], field: bytes | None, name: bytes) -> tuple[int, ...]:
    """``values`` with those taken from the zip64 extra field that the header leaves to it, 4.5.3.

    It holds them in the order of the header, and only those whose bits are all set there. Some zips
    have one although nothing is left to it: then both say the same.
    """
    if field is None:
        return values
    wide = [value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
    left = [at for at, value in enumerate(values) if value == FULL64]
    if left and len(wide) == len(left) and not len(field) % 8:
        taken = dict(zip(left, wide, strict=True))
        return tuple(taken.get(at, value) for at, value in enumerate(values))
    if left or len(field) % 8 or tuple(wide) != values[: len(wide)]:
        raise ambiguous(f"The zip64 extra field of {shown(name)} does not fit its header.")
    return values


def extra_fields(extra: bytes, name: bytes) -> dict[int, bytes]:
    """The extra fields of an entry by their ids, 4.5.1; those that mean something only once."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        at += 4
        if at + size > len(extra):
            raise damaged(f"the extra fields of {shown(name)} are cut")
        if kind in fields and kind in {ZIP64, UNICODE_PATH}:
            raise ambiguous(f"{shown(name)} has two extra fields of one kind.")
        if kind in OTHER_MODES:
            raise ambiguous(f"{shown(name)} has an extra field with a second file mode.")
        fields[kind] = extra[at : at + size]
        at += size
    # Android's zipalign fills up with zeros, also fewer than a field has.
    if extra[at:].strip(b"\0"):
        raise damaged(f"the extra fields of {shown(name)} are cut")
    return fields


def second_name(fields: dict[int, bytes], name: bytes) -> bytes | None:
    """The name in the Unicode path extra field, 4.6.9: version, CRC of the other name, UTF-8."""
    field = fields.get(UNICODE_PATH)
    if field is None:
        return None
    if len(field) < 5 or field[0] != 1:
        raise ambiguous(f"The Unicode name of {shown(name)} cannot be read.")
    return field[5:]


def shown(name: bytes | str) -> str:
    """A name as it can stand in a message, whatever is in it."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    return ascii(text if len(text) <= 80 else f"{text[:80]}...")


def ambiguous(message: str) -> Broken:
    """What to raise where two unzippers could find different files."""
    return Broken("AmbiguousZip", message, ZIP_AGAIN)


def damaged(why: str) -> Broken:
    """What to raise where nothing can be read."""
    return Broken("DamagedZip", f"The zip is cut off or damaged: {why}.", ZIP_AGAIN)
