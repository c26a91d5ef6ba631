"""A zip is unpacked to plain files below one folder, within limits, or refused."""

import stat
import struct
import tracemalloc
import zipfile
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.errors import ScanError
from scan.folders import files_below
from scan.job import UploadLimits
from scan.unpacking import unpack
from tests.scan.emptying import empty
from tests.scan.uploads import GOOD, entry, zipped, zipped_entries
from tests.scan.zip_maker import UTF8, Item, made, unicode_path

FEW = UploadLimits(files=1000, bytes=5 * 1024**2, ratio=50)


def unpacked(body: bytes, tmp_path: Path, limits: UploadLimits = FEW) -> Path:
    archive, source = tmp_path / "upload.zip", tmp_path / "source"
    archive.write_bytes(body)
    source.mkdir()
    unpack(archive, source, limits)
    return source


def refused(body: bytes, tmp_path: Path, limits: UploadLimits = FEW) -> ScanError:
    with pytest.raises(ScanError) as refusal:
        unpacked(body, tmp_path, limits)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "upload.zip"]
    assert refusal.value.code == "OnlyArchives" or left == []
    assert refusal.value.remediation
    return refusal.value


def test_files_are_unpacked_below_the_folder(tmp_path):
    source = unpacked(zipped(GOOD), tmp_path)

    assert {
        path.relative_to(source).as_posix(): path.read_text()
        for path in source.rglob("*")
        if path.is_file()
    } == GOOD


def test_what_is_just_within_the_limits_is_unpacked(tmp_path):
    files = {"a/b/c/d.py": b"x" * 700, f"{'a' * 252}.py": b"y" * 300}

    source = unpacked(zipped(files), tmp_path, UploadLimits(files=2, bytes=1000, ratio=50))

    assert sum(path.is_file() for path in source.rglob("*")) == 2


def test_a_name_that_is_refused_is_to_be_renamed_as_the_same_files_make_the_same_zip(tmp_path):
    assert "Rename" in refused(zipped({"shop/a.py": "", "shop/A.py": ""}), tmp_path).remediation


def test_names_with_backslashes_are_those_of_windows(tmp_path):
    source = unpacked(zipped_entries((entry("shop\\prices.py"), "x = 1")), tmp_path)

    assert (source / "shop" / "prices.py").read_text() == "x = 1"


def test_no_file_becomes_executable(tmp_path):
    run = entry("run.sh")
    run.external_attr = (stat.S_IFREG | 0o4777) << 16
    source = unpacked(zipped_entries((run, "id")), tmp_path)

    assert stat.S_IMODE((source / "run.sh").stat().st_mode) & 0o7111 == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../evil.py", "leaves the folder"),
        ("shop/../../evil.py", "leaves the folder"),
        ("/etc/evil.py", "leaves the folder"),
        ("..\\evil.py", "leaves the folder"),
        ("C:\\evil.py", "leaves the folder"),
        ("shop/\x1b[2Jevil.py", "is not a file name"),
        ("evil.py\x00.txt", "is not a file name"),
        ("evil.py\x00/", "is not a file name"),
        ("evil\u202eyp.exe", "is not a file name"),
        (".", "is not a file name"),
        ("a" * 256 + ".py", "is too long"),
        ("/".join(["folder"] * 600) + "/a.py", "is too long"),
    ],
    ids=[
        "up",
        "up on the way",
        "absolute",
        "up by backslash",
        "drive",
        "escape sequence",
        "NUL",
        "NUL and folder",
        "right-to-left override",
        "folder itself",
        "long name",
        "long path",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name, says, tmp_path):
    refusal = refused(zipped_entries((entry(name), "x = 1")), tmp_path)

    assert refusal.code == "UnsafeEntry"
    assert says in refusal.message
    assert refusal.message.isprintable()


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK], ids=oct)
def test_a_device_is_refused(kind, tmp_path):
    refusal = refused(zipped_entries((entry("null", kind), "")), tmp_path)

    assert refusal.code == "UnsafeEntry"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a.py", "a.py"], "twice"),
        (["Makefile", "makefile"], "differ by case only"),
        (["shop/Über.py", "shop/u\u0308ber.py"], "by case only"),
        (["shop/a.py", "shop/a.p\u200cy"], "by case only"),
        (["shop", "shop/a.py"], "as a file and as a folder"),
        (["shop", "shop/"], "as a file and as a folder"),
        (["Shop/a", "shop/A/b.py"], "as a file and as a folder"),
    ],
    ids=[
        "same",
        "case",
        "case and normal form",
        "joiner",
        "file and folder",
        "file and empty folder",
        "file and folder of another case",
    ],
)
def test_one_name_means_one_file(names, says, tmp_path):
    same = names[0] == names[-1]
    with pytest.warns(UserWarning, match="Duplicate name") if same else nullcontext():
        body = zipped_entries(*((entry(name), "" if name.endswith("/") else "x") for name in names))

    refusal = refused(body, tmp_path)

    assert refusal.code == "UnsafeEntry"
    assert says in refusal.message


@pytest.mark.parametrize(
    "name",
    [
        "全角\u3000名.py",
        "a\u00a0b\u2003c.py",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.py",
        "👩\u200d👩\u200d👧/❤\ufe0f.py",
        "cafe\u0301.py",
        "நிரல்.py",
        "new\U0001fabf.py",
        "10:30:00.log",
        "a;b.py",
        "[...slug].tsx",
        " leading.py",
        "...dots/.hidden",
        "-rf.py",
        "Icon\r",
        "shop/Icon\r",
        "__MACOSX/shop/._Icon\r",
    ],
    ids=ascii,
)
def test_any_printable_name_is_unpacked(name, tmp_path):
    source = unpacked(zipped_entries((entry(name), "x = 1")), tmp_path)

    assert (source / name).read_text() == "x = 1"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("evil.py\\", "ends in a backslash"),
        ("shop\\", "ends in a backslash"),
        ("evil.py.", "ends in a dot or a space"),
        ("evil.py ", "ends in a dot or a space"),
        ("shop./evil.py", "ends in a dot or a space"),
        ("shop /evil.py", "ends in a dot or a space"),
        ("shop .\\evil.py", "ends in a dot or a space"),
        ("evil.py;1", "drop the end"),
        ("evil.py;", "drop the end"),
        ("evil.py::$DATA", "drop the end"),
        ("evil\u2028.py", "is not a file name"),
        ("evil\u2029.py", "is not a file name"),
        ("evil\u200f.py", "is not a file name"),
        ("evil\u2066.py", "is not a file name"),
        ("evil\x85.py", "is not a file name"),
        ("evil\r.py", "is not a file name"),
        ("Icon\r/evil.py", "is not a file name"),
        ("\r", "is not a file name"),
    ],
    ids=ascii,
)
def test_a_name_that_is_another_one_elsewhere_is_refused(name, says, tmp_path):
    refusal = refused(zipped_entries((entry(name), "x = 1")), tmp_path)

    assert refusal.code == "UnsafeEntry"
    assert says in refusal.message
    assert refusal.message.isprintable()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("größe.py".encode("cp850"), "größe.py".encode("cp850").decode("cp437")),
        ("größe.py".encode(), "größe.py"),
        ("表.py".encode("cp932"), "ò_.py"),
        ("表/資料.py".encode("cp932"), f"ò_/{'資料.py'.encode('cp932').decode('cp437')}"),
        ("résumé".encode("cp437"), "résumé"),
    ],
    ids=["Western Europe", "UTF-8", "Japan", "a folder in Japan", "no suffix"],
)
def test_a_name_in_a_code_page_that_the_zip_does_not_tell_is_unpacked(name, path, tmp_path):
    """As Windows Explorer writes them, without the UTF-8 flag."""
    source = unpacked(made(Item(name=name, content=b"x = 1", host=0, mode=0)), tmp_path)

    assert (source / path).read_text() == "x = 1"


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        (b"evil.py\xff", 0),
        (b"Makefile\xff", 0),
        (b"evil.\xd5ni", 0),
        (b"evil.py\xc2\xa0", 0),
        (b"\x95\\Makefile", 0),
        (b"\x95\\CMakeLists.txt", 0),
        (b"evil\xff.py", UTF8),
        (b"\xed\xa0\x80.py", UTF8),
    ],
    ids=[
        "a dropped byte",
        "a dropped byte of a known name",
        "a replaced byte",
        "UTF-8 that is not declared",
        "half a character",
        "half a character before a known name",
        "no UTF-8",
        "a lone surrogate",
    ],
)
def test_a_name_that_is_code_in_some_code_pages_only_is_refused(name, flags, tmp_path):
    refusal = refused(made(Item(name=name, flags=flags)), tmp_path)

    assert refusal.code == "UnsafeEntry"
    assert "is another one" in refusal.message or "is not a file name" in refusal.message


@pytest.mark.parametrize(
    ("name", "second"),
    [
        (b"notes.txt", b"evil.py"),
        (b"evil.py", b"notes.txt"),
        (b"Makefile", b"Buch"),
        (b"a.py", b"lib/a.py"),
        (b"a.py", b"b.py"),
        (b"node/a.py", b"node_modules/a.py"),
        (b"a.py", b"../a.py"),
        (b"a", b"a/"),
    ],
    ids=[
        "code",
        "no code",
        "known name",
        "folder",
        "other",
        "other folder",
        "up",
        "folder by name",
    ],
)
def test_a_second_name_of_another_kind_is_refused(name, second, tmp_path):
    item = Item(name=name, central_extra=unicode_path(name, second))

    assert refused(made(item), tmp_path).code == "UnsafeEntry"


def test_a_second_name_in_unicode_is_the_name(tmp_path):
    """WinRAR and Info-ZIP on Windows write both."""
    name = "gr\x94áe.py".encode("latin-1")
    field = unicode_path(name, "größe.py".encode())
    source = unpacked(made(Item(name=name, local_extra=field, central_extra=field)), tmp_path)

    assert [path.name for path in source.iterdir()] == ["größe.py"]


def test_an_encrypted_entry_is_refused(tmp_path):
    body = bytearray(zipped({"secret.py": "x = 1"}))
    for at in (body.index(b"PK\x03\x04") + 6, body.index(b"PK\x01\x02") + 8):
        body[at] |= 1

    assert refused(bytes(body), tmp_path).code == "EncryptedEntry"


def test_more_files_than_allowed_are_refused(tmp_path):
    body = zipped({f"{number}.py": "" for number in range(FEW.files + 1)})

    assert refused(body, tmp_path).code == "TooManyFiles"


@pytest.mark.slow
def test_100_000_small_files_are_refused_under_the_default_limits(tmp_path):
    body = zipped({f"{number}.py": "" for number in range(100_000)}, zipfile.ZIP_STORED)

    assert refused(body, tmp_path, UploadLimits()).code == "TooManyFiles"


def test_a_huge_table_of_contents_is_not_read(tmp_path):
    comment = entry("a.py")
    comment.comment = b"x" * 65_000
    body = zipped_entries(*((_renamed(comment, f"{number}.py"), "") for number in range(40)))

    refusal = refused(body, tmp_path, UploadLimits(files=10))

    assert "table of contents" in refusal.message


def _renamed(info: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    other = entry(name)
    other.comment = info.comment
    return other


def test_more_bytes_than_allowed_are_refused(tmp_path):
    body = zipped({"a.py": bytes(range(256)) * 24_000}, zipfile.ZIP_STORED)

    assert refused(body, tmp_path).code == "UploadTooLarge"


def test_a_bomb_is_refused(tmp_path):
    body = zipped({"a.py": b"\0" * 4_000_000})

    assert refused(body, tmp_path).code == "ZipBomb"


def test_overlapping_entries_are_refused(tmp_path):
    """A zip bomb whose entries share the same packed data."""
    body = bytearray(zipped({f"{number}.py": b"\0" * 100_000 for number in range(40)}))
    first = body.index(b"PK\x01\x02")
    at = first
    while (at := body.find(b"PK\x01\x02", at + 1)) > 0:
        body[at + 42 : at + 46] = body[first + 42 : first + 46]

    assert refused(bytes(body), tmp_path).code in {"ZipBomb", "DamagedZip"}


def test_a_zip_in_a_zip_is_a_file(tmp_path):
    source = unpacked(zipped({**GOOD, "inner.zip": zipped(GOOD)}), tmp_path)

    assert (source / "inner.zip").is_file()
    assert not (source / "inner").exists()


def test_nothing_but_a_zip_in_a_zip_says_so(tmp_path):
    refusal = refused(zipped({"inner.zip": zipped(GOOD)}), tmp_path)

    assert refusal.code == "OnlyArchives"
    assert "inner.zip" in refusal.message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (zipped({}), "EmptyUpload"),
        (zipped({"shop/": ""}), "EmptyUpload"),
        (b"", "NotAZip"),
        (b"#!/bin/sh\nid\n", "NotAZip"),
        (zipped(GOOD)[:-30], "DamagedZip"),
        (zipped(GOOD)[:40], "DamagedZip"),
        (zipped(GOOD).replace(b"prices.py", b"pr\xff\xfees.py", 1), "AmbiguousZip"),
    ],
    ids=["empty", "only folders", "nothing", "a script", "cut", "cut early", "two names"],
)
def test_what_is_no_zip_of_files_is_refused(body, code, tmp_path):
    assert refused(body, tmp_path).code == code


def test_damaged_content_is_refused(tmp_path):
    body = bytearray(zipped({"a.py": b"x = 1\n" * 50}, zipfile.ZIP_STORED))
    body[body.index(b"x = 1")] ^= 1
    archive, source = tmp_path / "upload.zip", tmp_path / "source"
    archive.write_bytes(body)
    source.mkdir()

    with pytest.raises(ScanError, match="damaged"):
        unpack(archive, source, FEW)


def test_damaged_bzip2_is_refused_as_damaged(tmp_path):
    body = bytearray(zipped({"a.py": "x = 1\n" * 50}, zipfile.ZIP_BZIP2))
    body[body.index(b"BZh")] ^= 1

    with pytest.raises(ScanError) as refusal:
        unpacked(bytes(body), tmp_path)

    assert refusal.value.code == "DamagedZip"


def test_an_unknown_way_of_packing_is_refused(tmp_path):
    body = bytearray(zipped(GOOD))
    for at in (body.index(b"PK\x03\x04") + 8, body.index(b"PK\x01\x02") + 10):
        body[at : at + 2] = struct.pack("<H", 97)

    assert refused(bytes(body), tmp_path).code == "UnsupportedZip"


@pytest.fixture
def emptied(tmp_path):
    """A folder that is emptied after the test: pytest itself cannot remove deep folders."""
    yield tmp_path
    empty(tmp_path)


@pytest.mark.slow
def test_folders_of_any_depth_are_unpacked(emptied):
    room = 4095 - len(str(emptied / "source")) - len("/evil.py")
    deep = "d/" * (room // 2) + "evil.py"

    source = unpacked(made(Item(name=deep.encode(), content=b"x = 1")), emptied)

    with open(f"{source}/{deep}") as file:
        assert file.read() == "x = 1"
    assert [str(path) for path in files_below(source)] == [f"{source}/{deep}"]


def test_more_folders_than_files_can_need_are_refused(tmp_path):
    items = [Item(name=f"{number}/".encode() + b"d/" * 500 + b"a.py") for number in range(9)]

    refusal = refused(made(*items), tmp_path, UploadLimits(files=10))

    assert refusal.code == "TooManyFiles"
    assert "folders" in refusal.message


def test_memory_does_not_grow_with_the_size_of_a_file(tmp_path):
    """64 MiB in one file; one chunk, packed and unpacked, is far below a megabyte."""
    with zipfile.ZipFile(tmp_path / "upload.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros.bin", bytes(64 * 1024**2))
    (tmp_path / "source").mkdir()

    tracemalloc.start()
    try:
        unpack(tmp_path / "upload.zip", tmp_path / "source", UploadLimits(ratio=2000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * 1024**2


@given(st.data())
def test_a_mangled_zip_is_unpacked_or_refused_but_nothing_else(tmp_path_factory, data):
    body = bytearray(zipped({**GOOD, "b.txt": "b", "c/d.py": "d = 1"}))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("mangled")
    (folder / "source").mkdir()
    (folder / "upload.zip").write_bytes(body)
    with suppress(ScanError):
        unpack(folder / "upload.zip", folder / "source", FEW)
    assert {path.name for path in folder.iterdir()} == {"source", "upload.zip"}


@given(st.text(min_size=1, max_size=60))
def test_every_name_stays_inside_the_folder_or_is_refused(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("named")
    (folder / "source").mkdir()
    try:
        body = zipped_entries((entry(name), "x"))
    except UnicodeEncodeError:
        return
    (folder / "upload.zip").write_bytes(body)
    with suppress(ScanError):
        unpack(folder / "upload.zip", folder / "source", FEW)
    assert {path.name for path in folder.iterdir()} == {"source", "upload.zip"}
