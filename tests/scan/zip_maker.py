"""Writes zips byte by byte, with any value in any field of any record (APPNOTE.TXT 4.3)."""

import bz2
import lzma
import stat
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
UTF8, DESCRIPTOR = 0x800, 0x8
FULL = 0xFFFFFFFF
LOCAL = ("signature:4s", "needed:H", "flags:H", "method:H", "time:H", "date:H", "crc:L",
         "packed:L", "size:L", "name_length:H", "extra_length:H")  # fmt: skip
CENTRAL = ("signature:4s", "made_by:H", "needed:H", "flags:H", "method:H", "time:H", "date:H",
           "crc:L", "packed:L", "size:L", "name_length:H", "extra_length:H", "comment_length:H",
           "disk:H", "internal:H", "attributes:L", "offset:L")  # fmt: skip
END = ("signature:4s", "disk:H", "first_disk:H", "here:H", "entries:H", "size:L", "offset:L",
       "comment_length:H")  # fmt: skip
END64 = ("signature:4s", "length:Q", "made_by:H", "needed:H", "disk:L", "first_disk:L", "here:Q",
         "entries:Q", "size:Q", "offset:Q")  # fmt: skip
LOCATOR = ("signature:4s", "disk:L", "offset:Q", "disks:L")
# Data descriptors, 4.3.9, by name.
DESCRIPTORS = {
    "signed": ("signature:4s", "crc:L", "packed:L", "size:L"),
    "bare": ("crc:L", "packed:L", "size:L"),
    "signed64": ("signature:4s", "crc:L", "packed:Q", "size:Q"),
    "bare64": ("crc:L", "packed:Q", "size:Q"),
}


@dataclass(kw_only=True)
class Item:
    """One entry. ``local``, ``central`` and ``described`` override fields of its records.

    ``is_listed`` and ``is_there`` say whether the directory, and the file, have it; ``gap`` follows
    its data. ``zip64`` says which headers leave their sizes to a zip64 extra field.
    """

    name: bytes = b"a.py"
    content: bytes = b"x = 1\n"
    method: int = STORED
    flags: int = 0
    mode: int = stat.S_IFREG | 0o644
    host: int = 3
    descriptor: str = ""
    data: bytes | None = None
    zip64: str = ""
    local: dict[str, int | bytes] = field(default_factory=dict)
    central: dict[str, int | bytes] = field(default_factory=dict)
    described: dict[str, int | bytes] = field(default_factory=dict)
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    gap: bytes = b""
    is_listed: bool = True
    is_there: bool = True


def made(
    *items: Item,
    comment: bytes = b"",
    prefix: bytes = b"",
    suffix: bytes = b"",
    before_directory: bytes = b"",
    before_end: bytes = b"",
    is_zip64: bool = False,
    end: Mapping[str, int | bytes] | None = None,
    end64: Mapping[str, int | bytes] | None = None,
    locator: Mapping[str, int | bytes] | None = None,
) -> bytes:
    """A zip of ``items``; ``end``, ``end64`` and ``locator`` override fields of those records."""
    body, directory, listed = prefix, b"", 0
    for item in items:
        offset = len(body)
        if item.is_there:
            body += _local(item)
        if item.is_listed:
            directory += _central(item, offset)
            listed += 1
    body += before_directory
    at = len(body)
    body += directory + before_end
    if is_zip64:
        record = {"signature": b"PK\6\6", "length": 44, "made_by": 45, "needed": 45, "disk": 0,
                  "first_disk": 0, "here": listed, "entries": listed, "size": len(directory),
                  "offset": at}  # fmt: skip
        result = {"signature": b"PK\6\7", "disk": 0, "offset": len(body), "disks": 1}
        body += packed(END64, record | dict(end64 or {}))
        body += packed(LOCATOR, result | dict(locator or {}))
    last = {"signature": b"PK\5\6", "disk": 0, "first_disk": 0, "here": listed, "entries": listed,
            "size": len(directory), "offset": at, "comment_length": len(comment)}  # fmt: skip
    if is_zip64:
        last |= {"here": 0xFFFF, "entries": 0xFFFF, "size": FULL, "offset": FULL}
    return body + packed(END, last | dict(end or {})) + comment + suffix


def packed(layout: Sequence[str], values: Mapping[str, int | bytes]) -> bytes:
    """A record; a number too large for its field loses its highest bits."""
    record = b""
    for name, kind in (item.split(":") for item in layout):
        value = values[name]
        if isinstance(value, int):
            value %= 256 ** struct.calcsize(f"<{kind}")
        record += struct.pack(f"<{kind}", value)
    return record


def extra(kind: int, content: bytes) -> bytes:
    """One extra field, 4.5.1."""
    return struct.pack("<HH", kind, len(content)) + content


def unicode_path(name: bytes, second: bytes) -> bytes:
    """The Unicode path extra field, 4.6.9, of an entry called ``name``."""
    return extra(0x7075, b"\1" + struct.pack("<L", zlib.crc32(name)) + second)


def compressed(content: bytes, method: int) -> bytes:
    """``content`` compressed by ``method``; unchanged if the method is unknown."""
    if method == DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(content) + packer.flush()
    if method == BZIP2:
        return bz2.compress(content)
    if method == LZMA:
        # The filter's properties: lc 3, lp 0, pb 2, a dictionary of 64 KiB.
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 65536, "lc": 3, "lp": 0, "pb": 2}]
        raw = lzma.compress(content, lzma.FORMAT_RAW, filters=filters)
        return b"\x09\x04\x05\x00" + bytes([93]) + struct.pack("<L", 65536) + raw
    return content


def _data(item: Item) -> bytes:
    return compressed(item.content, item.method) if item.data is None else item.data


def _both(item: Item) -> dict[str, int | bytes]:
    """The fields of both headers."""
    flags = item.flags | (DESCRIPTOR if item.descriptor else 0)
    # Python and 7-Zip end LZMA with an end marker, and set its flag.
    flags |= 2 if item.method == LZMA else 0
    return {
        "needed": 45 if item.zip64 else 20, "flags": flags, "method": item.method, "time": 0x6000,
        "date": 0x5B79, "crc": zlib.crc32(item.content), "packed": len(_data(item)),
        "size": len(item.content), "name_length": len(item.name),
    }  # fmt: skip


def _local(item: Item) -> bytes:
    values = {"signature": b"PK\3\4"} | _both(item)
    sizes = values["size"], values["packed"]
    if item.descriptor:
        values |= {"crc": 0, "packed": 0, "size": 0}
        sizes = 0, 0
    extras = item.local_extra
    if "local" in item.zip64:
        extras = extra(1, struct.pack("<QQ", *sizes)) + extras
        values |= {"packed": FULL, "size": FULL}
    values |= {"extra_length": len(extras)} | item.local
    name = item.local.get("name", item.name)
    assert isinstance(name, bytes)
    values |= {"name_length": item.local.get("name_length", len(name))}
    body = packed(LOCAL, values) + name + extras + _data(item)
    if item.descriptor:
        described = {"signature": b"PK\7\x08"} | _both(item) | item.described
        body += packed(DESCRIPTORS[item.descriptor], described)
    return body + item.gap


def _central(item: Item, offset: int) -> bytes:
    values = {"signature": b"PK\1\2", "made_by": item.host << 8 | 30} | _both(item)
    is_folder = item.name.endswith(b"/")
    values |= {"comment_length": len(item.comment), "disk": 0, "internal": 0, "offset": offset,
               "attributes": item.mode << 16 | (0x10 if is_folder else 0)}  # fmt: skip
    extras = item.central_extra
    if "central" in item.zip64:
        wide = struct.pack("<QQQ", len(item.content), len(_data(item)), offset)
        extras = extra(1, wide) + extras
        values |= {"packed": FULL, "size": FULL, "offset": FULL}
    values |= {"extra_length": len(extras)} | item.central
    name = item.central.get("name", item.name)
    assert isinstance(name, bytes)
    values |= {"name_length": item.central.get("name_length", len(name))}
    return packed(CENTRAL, values) + name + extras + item.comment
