"""Unpacks the data of one entry, whose packed and unpacked sizes must be as the zip declares."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from scan.errors import ScanError
from scan.zip_records import (
    DESCRIPTOR,
    DESCRIPTOR_SIGNATURE,
    END_MARKER,
    ZIP_AGAIN,
    Member,
    ambiguous,
    damaged,
    printable,
    read,
)

# Bytes that are unpacked, and read, at a time.
CHUNK, PACKED = 256 * 1024, 64 * 1024
# In bytes. LZMA keeps a dictionary of this size in memory; 7-Zip's highest level needs 64 MiB.
LARGEST_DICTIONARY = 256 * 1024 * 1024


def unpacked(file: int, start: int, member: Member) -> Iterator[bytes]:
    """The content of ``member``, in chunks; its packed data begins at ``start`` of ``file``.

    Raises:
        ScanError: the data is damaged, or its length is not what the zip declares.
    """
    name, size, crc = printable(member.name), 0, 0
    try:
        for chunk in METHODS[member.method](_packed(file, start, member.packed), member):
            size += len(chunk)
            if size > member.size:
                break
            crc = zlib.crc32(chunk, crc)
            yield chunk
    except (zlib.error, lzma.LZMAError, ValueError, OSError, EOFError) as error:
        # bz2 raises OSError without an errno; one with an errno is an error of the file.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise damaged(f"{name} cannot be unpacked") from error
    if size != member.size:
        amount = "more" if size > member.size else "fewer"
        raise ambiguous(f"{name} unpacks to {amount} bytes than the zip declares.")
    if crc != member.crc:
        raise damaged(f"{name} has another checksum than the zip says")


def _packed(file: int, start: int, length: int) -> Iterator[bytes]:
    for at in range(0, length, PACKED):
        yield read(file, start + at, min(PACKED, length - at))


def _stored(packed: Iterator[bytes], member: Member) -> Iterator[bytes]:
    if not member.flags & DESCRIPTOR:
        yield from packed
        return
    # An unzipper that reads from the start can find the end of such data only by a data descriptor:
    # its signature with the checksum or the size of the data so far. Data that contains one of its
    # own could be read in two ways.
    at, crc, rest = 0, 0, b""
    for chunk in packed:
        window = rest + chunk
        position = window.find(DESCRIPTOR_SIGNATURE)
        while position >= 0:
            checksum, size = struct.unpack(
                "<LL", window[position + 4 : position + 12].ljust(8, b"\0")
            )
            if checksum == zlib.crc32(window[:position], crc) or size == at + position:
                raise ambiguous(f"{printable(member.name)} holds what looks like its own end.")
            position = window.find(DESCRIPTOR_SIGNATURE, position + 1)
        yield chunk
        # The signature and its eight bytes may span two chunks.
        done = max(0, len(window) - 11)
        at, crc, rest = at + done, zlib.crc32(window[:done], crc), window[done:]


def _inflated(packed: Iterator[bytes], member: Member) -> Iterator[bytes]:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in packed:
        _check_not_over(decoder, member)
        unpacked_chunk = decoder.decompress(chunk, CHUNK)
        while unpacked_chunk or decoder.unconsumed_tail:
            yield unpacked_chunk
            unpacked_chunk = decoder.decompress(decoder.unconsumed_tail, CHUNK)
    _check_over(decoder, member)


def _bunzipped(packed: Iterator[bytes], member: Member) -> Iterator[bytes]:
    decoder = bz2.BZ2Decompressor()
    yield from _decoded(decoder, packed, member)
    _check_over(decoder, member)


def _lzma(packed: Iterator[bytes], member: Member) -> Iterator[bytes]:
    # 5.8.8: version, length of the properties, the properties; LZMA data has an end marker only if
    # bit 1 of the flags is set.
    first = next(packed, b"")
    if len(first) < 9 or first[2:4] != b"\x05\x00":
        raise damaged(f"{printable(member.name)} cannot be unpacked")
    properties, dictionary = first[4], int.from_bytes(first[5:9], "little")
    dictionary = max(min(dictionary, member.size), 4096)
    if dictionary > LARGEST_DICTIONARY:
        raise unsupported("LZMA with so large a dictionary")
    filters = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": dictionary,
        "lc": properties % 9,
        "lp": properties // 9 % 5,
        "pb": properties // 45,
    }
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])
    yield from _decoded(decoder, _joined(first[9:], packed), member)
    if decoder.eof or member.flags & END_MARKER:
        _check_over(decoder, member)


def _joined(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _decoded(decoder: Any, packed: Iterator[bytes], member: Member) -> Iterator[bytes]:
    """``packed`` as decoded by a bz2 or lzma decoder, in chunks."""
    for chunk in packed:
        _check_not_over(decoder, member)
        yield decoder.decompress(chunk, CHUNK)
        while not (decoder.eof or decoder.needs_input):
            yield decoder.decompress(b"", CHUNK)


def _check_not_over(decoder: Any, member: Member) -> None:
    if decoder.eof:
        raise ambiguous(f"The packed data of {printable(member.name)} ends before the zip says so.")


def _check_over(decoder: Any, member: Member) -> None:
    if decoder.unused_data:
        raise ambiguous(f"The packed data of {printable(member.name)} ends before the zip says so.")
    if not decoder.eof:
        raise ambiguous(
            f"The packed data of {printable(member.name)} goes on after the zip says so."
        )


def unsupported(what: str) -> ScanError:
    """The error for a valid zip that this scan cannot unpack."""
    return ScanError("UnsupportedZip", f"The zip is packed in an unusual way: {what}.", ZIP_AGAIN)


METHODS: dict[int, Callable[[Iterator[bytes], Member], Iterator[bytes]]] = {
    # 4.4.5. Python 3.11 does not support Deflate64 (9), Zstandard (93), PPMd (98) and others.
    0: _stored,
    8: _inflated,
    12: _bunzipped,
    14: _lzma,
}
