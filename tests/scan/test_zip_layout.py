"""A zip that two unzippers could read differently is refused."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from scan.errors import ScanError
from scan.job import UploadLimits
from scan.unpacking import unpack
from tests.scan.uploads import BAD
from tests.scan.zip_maker import (
    BZIP2,
    DEFLATED,
    DESCRIPTORS,
    FULL,
    LZMA,
    STORED,
    Item,
    compressed,
    extra,
    made,
    packed,
    unicode_path,
)

LIMITS = UploadLimits(files=100, bytes=1024**2, ratio=200)
EVIL = next(iter(BAD.values())).encode()
SHORT = EVIL[:40]
METHODS = [STORED, DEFLATED, BZIP2, LZMA]
METHOD_NAMES = ["stored", "deflated", "bzip2", "lzma"]


def evil(**fields: Any) -> Item:
    defaults: dict[str, Any] = {"name": b"evil.py", "content": EVIL, "method": DEFLATED}
    return Item(**defaults | fields)


def good(**fields: Any) -> Item:
    defaults: dict[str, Any] = {"name": b"a.py", "content": b"a = 1\n"}
    return Item(**defaults | fields)


def contents(body: bytes, folder: Path) -> dict[str, bytes]:
    (folder / "upload.zip").write_bytes(body)
    (folder / "source").mkdir()
    entries = unpack(folder / "upload.zip", folder / "source", LIMITS)
    return {entry.path: (folder / "source" / entry.path).read_bytes() for entry in entries}


def refused(body: bytes, folder: Path) -> ScanError:
    with pytest.raises(ScanError) as refusal:
        contents(body, folder)
    assert refusal.value.message.isprintable()
    assert refusal.value.remediation
    return refusal.value


def ambiguous(body: bytes, folder: Path) -> str:
    refusal = refused(body, folder)
    assert refusal.code == "AmbiguousZip", refusal.message
    return refusal.message


@pytest.mark.parametrize("method", METHODS, ids=METHOD_NAMES)
@pytest.mark.parametrize("descriptor", ["", *DESCRIPTORS])
@pytest.mark.parametrize("zip64", ["", "local", "central", "local central"])
def test_every_honest_form_of_an_entry_is_read(method, descriptor, zip64, tmp_path):
    if (method == STORED and descriptor.startswith("bare")) or (
        descriptor in {"signed", "bare"} and "local" in zip64
    ):
        pytest.skip("who reads from the start does not find the end of such an entry")
    items = [evil(method=method, descriptor=descriptor, zip64=zip64), good()]

    assert contents(made(*items), tmp_path) == {"evil.py": EVIL, "a.py": b"a = 1\n"}


@pytest.mark.parametrize(
    "options",
    [
        {"comment": b"f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"},
        {"is_zip64": True},
        {"is_zip64": True, "comment": b"made today"},
        {"is_zip64": True, "end": {"entries": 1, "here": 1}},
    ],
    ids=["comment", "zip64", "both", "only the offset in zip64"],
)
def test_every_honest_end_is_read(options, tmp_path):
    assert contents(made(evil(), **options), tmp_path) == {"evil.py": EVIL}


@pytest.mark.parametrize(
    "fields",
    [
        {"local_extra": extra(0x5455, b"\3" + bytes(8)), "central_extra": extra(0x5455, bytes(5))},
        {"local_extra": extra(0xCAFE, b"")},
        {"local_extra": b"\0\0\0"},
        {"central_extra": extra(0x000A, bytes(32))},
        {"local": {"time": 1, "date": 1, "needed": 63}},
        {"central": {"made_by": 0x133F, "internal": 1}},
        {"comment": "größer".encode()},
        {"descriptor": "signed", "local": {"size": len(EVIL)}},
    ],
    ids=[
        "Info-ZIP's times",
        "Java's mark",
        "zipalign's zeros",
        "NTFS times",
        "version and time",
        "made by macOS",
        "comment",
        "size before a descriptor",
    ],
)
def test_irrelevant_fields_may_differ(fields, tmp_path):
    assert contents(made(evil(**fields)), tmp_path) == {"evil.py": EVIL}


@pytest.mark.parametrize(
    ("local", "says"),
    [
        ({"name": b"a.txt"}, "another name"),
        ({"name": b"evil.p"}, "another name"),
        ({"method": STORED}, "method 0 and 8"),
        ({"flags": 0x8}, "flags"),
        ({"crc": 1}, "CRC 1 and"),
        ({"packed": 1}, "packed size 1 and"),
        ({"size": 40}, "size 40 and"),
        ({"size": 0}, "size 0 and"),
        ({"size": FULL}, "size 4,294,967,295 and"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_local_header_that_differs_from_the_directory_is_refused(local, says, tmp_path):
    message = ambiguous(made(evil(local=local)), tmp_path)

    assert says in message
    assert "evil.p" in message


def test_a_local_zip64_size_that_differs_from_the_directory_is_refused(tmp_path):
    sizes = extra(1, struct.pack("<QQ", 40, len(compressed(EVIL, DEFLATED))))
    item = evil(local={"size": FULL, "packed": FULL}, local_extra=sizes)

    assert "size 40 and" in ambiguous(made(item), tmp_path)


@pytest.mark.parametrize("field", ["crc", "packed", "size"])
def test_a_data_descriptor_that_differs_from_the_directory_is_refused(field, tmp_path):
    item = evil(descriptor="signed", described={field: 40})

    assert "data descriptor" in ambiguous(made(item), tmp_path)


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": 0x8},
        {"descriptor": "signed", "described": {"signature": b"PK\7\7"}},
        {"descriptor": "bare", "method": STORED},
        {"descriptor": "signed", "gap": b"\0"},
        {"descriptor": "signed", "zip64": "local"},
        {"descriptor": "bare", "zip64": "local central"},
    ],
    ids=[
        "missing",
        "wrong signature",
        "stored without signature",
        "longer",
        "zip64 with sizes of four bytes",
        "zip64 with sizes of four bytes and without signature",
    ],
)
def test_a_data_descriptor_that_cannot_be_found_is_refused(fields, tmp_path):
    assert "data descriptor" in ambiguous(made(evil(**fields)), tmp_path)


def test_stored_data_that_looks_like_its_own_end_is_refused(tmp_path):
    """A streaming reader would read the next entries after it."""
    seen = b"x = 1\n"
    values = {"signature": b"PK\7\x08", "crc": zlib.crc32(seen), "packed": 99, "size": 99}
    inner = made(evil())
    content = seen + packed(DESCRIPTORS["signed"], values) + inner

    item = good(content=content, descriptor="signed")
    assert "its own end" in ambiguous(made(item), tmp_path)


def test_what_looks_like_an_end_across_two_documents_is_seen(tmp_path):
    seen = b"x" * (64 * 1024 - 3)
    values = {"signature": b"PK\7\x08", "crc": 0, "packed": len(seen), "size": 0}
    content = seen + packed(DESCRIPTORS["signed"], values) + b"x" * 70_000

    item = good(content=content, descriptor="signed")
    assert "its own end" in ambiguous(made(item), tmp_path)


def test_a_stored_zip_with_descriptors_in_a_stored_zip_is_a_file(tmp_path):
    inner = made(evil(descriptor="signed"), good(descriptor="signed"))
    item = Item(name=b"inner.zip", content=inner, descriptor="signed")

    assert contents(made(item, good()), tmp_path)["inner.zip"] == inner


@pytest.mark.parametrize("method", METHODS, ids=METHOD_NAMES)
def test_a_declared_size_that_is_too_small_is_refused(method, tmp_path):
    """Both headers declare only the first 40 bytes; other unzippers write all."""
    lie = evil(content=SHORT, method=method, data=compressed(EVIL, method))

    assert "bytes than the zip declares" in ambiguous(made(lie), tmp_path)


@pytest.mark.parametrize("method", METHODS, ids=METHOD_NAMES)
def test_a_declared_size_that_is_too_large_is_refused(method, tmp_path):
    lie = evil(content=EVIL, method=method, data=compressed(SHORT, method))

    assert "fewer bytes than the zip declares" in ambiguous(made(lie), tmp_path)


@pytest.mark.parametrize("method", METHODS[1:], ids=METHOD_NAMES[1:])
@pytest.mark.parametrize("behind", [b"\0", b"#" * 70_000], ids=["a byte", "more than a chunk"])
def test_packed_data_that_ends_before_its_declared_end_is_refused(method, behind, tmp_path):
    item = evil(method=method, data=compressed(EVIL, method) + behind)

    assert "ends before the zip says so" in ambiguous(made(item), tmp_path)


@pytest.mark.parametrize("method", METHODS[1:3], ids=METHOD_NAMES[1:3])
def test_packed_data_that_does_not_end_is_refused(method, tmp_path):
    item = evil(method=method, data=compressed(EVIL, method)[:-1])

    assert refused(made(item), tmp_path).code in {"AmbiguousZip", "DamagedZip"}


def test_another_checksum_is_damage(tmp_path):
    item = evil(local={"crc": 1}, central={"crc": 1})

    assert "another checksum" in refused(made(item), tmp_path).message


def test_lzma_that_wants_gigabytes_of_memory_is_given_what_the_file_needs(tmp_path):
    data = bytearray(compressed(EVIL, LZMA))
    data[5:9] = struct.pack("<L", FULL)

    assert contents(made(evil(method=LZMA, data=bytes(data))), tmp_path) == {"evil.py": EVIL}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (made(good(), prefix=b"MZ\x90\0"), "4 bytes of the zip before the first entry"),
        (made(good(), prefix=b"PK00"), "4 bytes of the zip before the first entry"),
        (made(good(gap=b"gap"), evil()), "3 bytes of the zip before 'evil.py'"),
        (made(good(), before_directory=b"gap"), "3 bytes of the zip before the central directory"),
        (made(evil(is_listed=False), good()), "before the first entry"),
        (made(good(), evil(is_listed=False)), "before the central directory"),
        (made(good(), before_end=b"gap"), "does not end where its end record begins"),
        (made(good(), suffix=b"\0"), "a comment of 0 bytes, and 1 follow"),
        (made(good(), comment=b"gap", end={"comment_length": 2}), "a comment of 2 bytes"),
        (made(evil()) + made(good()), "does not end where its end record begins"),
        (made(good(), prefix=made(evil())), "before the first entry"),
        (made(good(), comment=made(evil())), "end record"),
        (made(good(), comment=made(evil())[-22:]), "more than one end record"),
        (made(good(), comment=b"PK\5\6" + bytes(40)), "a comment of 0 bytes"),
        (made(good(), evil(central={"offset": 0})), "overlaps what is before it"),
        (made(good(), is_zip64=True, end64={"offset": 1}), "does not end where"),
        (made(good(), is_zip64=True, end={"offset": 1}), "and the zip64 end record differ"),
        (made(good(), is_zip64=True, end={"size": 1}), "and the zip64 end record differ"),
        (made(good(), is_zip64=True, end={"entries": 2}), "and the zip64 end record differ"),
        (made(good(), is_zip64=True, end64={"length": 45}), "of another length"),
        (made(good(), is_zip64=True, locator={"offset": 0}), "not right before its locator"),
        (made(good(), evil(), end={"entries": 1, "here": 1}), "more than the entries"),
        (made(good(), end={"entries": 2, "here": 2}), "fewer entries"),
    ],
    ids=[
        "self-extractor", "split mark", "gap", "gap before the directory", "unlisted first entry",
        "unlisted last entry", "gap before the end", "trailing byte", "comment too long",
        "a good zip behind a bad one", "offsets count from the first zip", "a zip as comment",
        "an end record as comment", "the start of an end record as comment",
        "two entries with one chunk of data", "zip64 offset", "offset beside zip64",
        "size beside zip64", "entries beside zip64", "zip64 record too long",
        "zip64 record elsewhere", "one entry too few", "one entry too many",
    ],
)  # fmt: skip
def test_what_is_not_entries_then_directory_then_end_is_refused(body, says, tmp_path):
    assert says in ambiguous(body, tmp_path)


def test_an_end_record_in_the_last_entrys_comment_is_refused(tmp_path):
    """Readers that search forward, or use the locator, find another directory."""
    fake = packed(
        ("signature:4s", "zeros:16s", "comment_length:H"),
        {"signature": b"PK\5\6", "zeros": bytes(16), "comment_length": 22},
    )

    assert "more than one" in ambiguous(made(good(comment=fake)), tmp_path)


def test_a_zip64_locator_in_the_last_entrys_comment_is_refused(tmp_path):
    tail = made(evil(), is_zip64=True)[-98:-22]

    assert "zip64" in ambiguous(made(good(comment=tail)), tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        made(good(), end={"disk": 1}),
        made(good(), end={"here": 0}),
        made(good(central={"disk": 1})),
        made(good(), is_zip64=True, locator={"disks": 2}),
    ],
    ids=["end record", "entries", "entry", "locator"],
)
def test_a_part_of_a_zip_is_refused(body, tmp_path):
    assert refused(body, tmp_path).code == "UnsupportedZip"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"central_extra": extra(1, bytes(8))}, "does not fit"),
        ({"central_extra": extra(1, bytes(3))}, "does not fit"),
        ({"central_extra": extra(1, bytes(16)), "central": {"size": FULL}}, "does not fit"),
        ({"central_extra": extra(1, bytes(16)), "zip64": "central"}, "two extra fields"),
        ({"local_extra": extra(1, bytes(16))}, "does not fit"),
        ({"local_extra": extra(0x6C78, bytes(8))}, "second file mode"),
        ({"central_extra": extra(0x756E, bytes(14))}, "second file mode"),
        ({"local_extra": unicode_path(b"evil.py", b"evil.txt")}, "another Unicode name"),
        ({"central_extra": extra(0x7075, b"\2")}, "cannot be read"),
    ],
    ids=[
        "zip64 that is not needed", "cut zip64", "too many zip64 sizes", "zip64 twice",
        "local zip64 that is not needed", "libarchive's mode", "ASi's mode", "name in one header",
        "unknown name field",
    ],
)  # fmt: skip
def test_an_extra_field_that_says_something_else_is_refused(fields, says, tmp_path):
    assert says in ambiguous(made(evil(**fields)), tmp_path)


@pytest.mark.parametrize("header", ["local_extra", "central_extra"])
@pytest.mark.parametrize("field", [struct.pack("<HH", 0xCAFE, 9), b"\1", b"\0\0\1"])
def test_extra_fields_that_are_cut_are_damage(header, field, tmp_path):
    refusal = refused(made(evil(**{header: field})), tmp_path)

    assert refusal.code == "DamagedZip"
    assert "extra fields of 'evil.py' are cut" in refusal.message


@pytest.mark.parametrize("central", [{"name_length": 0xFFFF}, {"signature": b"PK\1\3"}], ids=str)
def test_a_directory_that_cannot_be_read_is_damage(central, tmp_path):
    refusal = refused(made(evil(), good(central=central)), tmp_path)

    assert refusal.code == "DamagedZip"
    assert "central directory is cut or overwritten" in refusal.message


@pytest.mark.parametrize(
    "folder",
    [
        Item(name=b"src/", content=b"", mode=0o40755),
        Item(name=b"src/", content=b"", mode=0),
        Item(name=b"src/", content=b"", mode=0o100644),
        Item(name=b"src/", content=b"", method=DEFLATED, descriptor="signed"),
    ],
    ids=["Unix", "DOS", "mode of a file", "Java's, packed"],
)
def test_a_folder_is_no_file(folder, tmp_path):
    assert contents(made(folder, good()), tmp_path) == {"a.py": b"a = 1\n"}


def test_a_folder_with_content_is_refused(tmp_path):
    item = Item(name=b"src/", content=EVIL, mode=0o40755)

    assert "folder with content" in ambiguous(made(item, good()), tmp_path)


def test_a_folder_that_hides_packed_content_is_refused(tmp_path):
    item = Item(name=b"src/", content=b"", method=DEFLATED, data=compressed(EVIL, DEFLATED))

    assert "more bytes than" in ambiguous(made(item, good()), tmp_path)


@pytest.mark.parametrize(
    "fields",
    [{"mode": 0o40755}, {"mode": 0, "central": {"attributes": 0x10}}],
    ids=["Unix", "DOS"],
)
def test_a_folder_by_its_mode_only_is_refused(fields, tmp_path):
    assert refused(made(evil(**fields)), tmp_path).code == "UnsafeEntry"


def test_an_entry_without_a_local_header_is_damage(tmp_path):
    refusal = refused(made(good(local={"signature": b"PK\3\5"})), tmp_path)

    assert refusal.code == "DamagedZip"
    assert "has no local header" in refusal.message


def test_a_local_header_that_goes_on_behind_the_zip_is_damage(tmp_path):
    refusal = refused(made(good(local={"extra_length": 0xFFFF})), tmp_path)

    assert refusal.code == "DamagedZip"
    assert "ends in the middle of an entry" in refusal.message


@pytest.mark.parametrize("packed", [FULL - 1, 2**63, 2**64 - 100], ids=hex)
def test_data_that_ends_after_the_file_is_refused(packed, tmp_path):
    """The same for the next entry, which begins there."""
    first = struct.pack("<QQQ", 6, packed, 0)
    sizes = struct.pack("<QQ", 6, packed)
    begins = 30 + len(b"a.py") + 20 + packed
    second = struct.pack("<QQQ", len(EVIL), 1, begins)
    items = [
        good(
            local={"size": FULL, "packed": FULL},
            local_extra=extra(1, sizes),
            central={"size": FULL, "packed": FULL, "offset": FULL},
            central_extra=extra(1, first),
        ),
        evil(
            central={"size": FULL, "packed": FULL, "offset": FULL},
            central_extra=extra(1, second),
        ),
    ]

    if begins >= 2**64:
        pytest.skip("no such offset can be written")
    assert refused(made(*items), tmp_path).code in {"AmbiguousZip", "DamagedZip"}
