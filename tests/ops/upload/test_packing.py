"""A zip is the same, byte for byte, and one that the scan accepts."""

import io
import locale
import os
import random
import stat
import time
import zipfile
from pathlib import Path

import pytest

from ops.errors import CommandError
from ops.upload import packing
from ops.upload.packing import pack
from ops.upload.source import Entry, Source, read
from scan.job import UploadLimits
from scan.unpacking import unpack
from tests.support.repositories import Repository, written

FILES = {
    "app.py": "print(1)\r\n",
    "run.sh": "#!/bin/sh\n",
    "text.txt": "a\nb\n",
    "version.py": "commit = '$Format:%H %d$'\n",
    "id.py": "# $Id$\n",
    "large.bin": random.Random(1).randbytes(2_500_000),
    "empty": "",
    "ünïcode/ß.py": "pass\n",
    "Z": "",
    "a/b": "",
    "link.py": ("app.py",),
    ".gitattributes": (
        "version.py export-subst\n*.txt eol=crlf\nid.py ident\nZ filter=shout\n"
        "secret export-ignore\n"
    ),
    "secret": "",
}


def packed(path: Path, dirty: bool = False) -> bytes:
    target = io.BytesIO()
    pack(read(path, dirty), target)
    return target.getvalue()


def contents(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refusal(source: Source) -> str:
    with pytest.raises(CommandError) as caught:
        pack(source, io.BytesIO())
    assert caught.value.code == 2
    return caught.value.what


@pytest.fixture
def made(repository) -> Repository:
    made = repository()
    written(made.path, FILES)
    (made.path / "run.sh").chmod(0o755)
    made.commit()
    return made


def test_the_same_commit_makes_the_same_zip_wherever_it_is_checked_out(made, tmp_path, monkeypatch):
    first = packed(made.path)
    other = tmp_path / "elsewhere" / "b"
    made.git("clone", "--quiet", "--depth", "1", f"file://{made.path}", str(other))
    there = Repository(other)
    attributes = tmp_path / "attributes"
    attributes.write_text("*.py export-ignore")
    for setting in (
        ("core.autocrlf", "true"),
        ("filter.shout.smudge", "tr a-z A-Z"),
        ("filter.shout.clean", "tr A-Z a-z"),
        ("filter.shout.required", "true"),
        ("core.attributesFile", str(attributes)),
        ("core.abbrev", "40"),
        ("core.fileMode", "false"),
    ):
        there.git("config", *setting)
    there.git("tag", "v1")
    other_content = there.git("hash-object", "-w", "text.txt", "--no-filters")
    there.git("replace", "--force", there.git("rev-parse", "HEAD:app.py"), other_content)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    before = os.umask(0o077)
    try:
        os.utime(other / "app.py", (0, 0))
        (other / "run.sh").chmod(0o600)
        second = packed(other)
    finally:
        os.umask(before)
        monkeypatch.undo()
        time.tzset()

    assert first == second
    assert packed(made.path) == first


@pytest.mark.parametrize("name", ["C", "C.UTF-8"])
def test_the_locale_changes_nothing(made, monkeypatch, name):
    first = packed(made.path)
    monkeypatch.setenv("LC_ALL", name)
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
        assert packed(made.path) == first
    finally:
        locale.setlocale(locale.LC_ALL, before)


def test_a_folder_with_the_same_files_makes_the_same_zip(made, tmp_path):
    files = {name: body for name, body in FILES.items() if name != "secret"}
    folder = written(tmp_path / "copy", files)
    (folder / "run.sh").chmod(0o700)
    (folder / ".git").mkdir()

    assert packed(folder) == packed(made.path)


def test_files_are_as_the_commit_has_them_without_conversions_filters_and_expansions(made):
    written(made.path, {"app.py": "not committed\n"})

    archive = contents(packed(made.path))

    assert {
        name: archive[name].decode() for name in ("app.py", "text.txt", "version.py", "id.py")
    } == {name: FILES[name] for name in ("app.py", "text.txt", "version.py", "id.py")}
    assert "secret" not in archive
    assert list(archive) == sorted(archive, key=str.encode)


def test_a_dirty_tree_is_packed_from_disk(made):
    written(made.path, {"app.py": "not committed\n"})

    assert contents(packed(made.path, dirty=True))["app.py"] == b"not committed\n"


def test_times_are_constant_and_of_the_modes_only_that_of_programs_remains(made):
    with zipfile.ZipFile(io.BytesIO(packed(made.path))) as archive:
        infos = archive.infolist()

    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    modes = {info.filename: info.external_attr >> 16 for info in infos}
    assert modes["run.sh"] == stat.S_IFREG | 0o755
    assert modes["app.py"] == stat.S_IFREG | 0o644
    assert stat.S_ISLNK(modes["link.py"])


def test_the_scan_unpacks_the_same_files(made, tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(packed(made.path))
    folder = tmp_path / "unpacked"
    folder.mkdir()

    entries = {entry.path: entry for entry in unpack(archive, folder, UploadLimits())}

    assert entries.keys() == FILES.keys() - {"secret"}
    assert (folder / "large.bin").read_bytes() == FILES["large.bin"]
    assert entries["link.py"].link == "app.py"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a.py.": ""}, "ends in a dot"),
        ({"a\\b.py": ""}, "has a backslash"),
        ({"a;1": ""}, "drop the end"),
        ({"a\nb": ""}, "not a file name"),
        ({"é/A.py": "", "é/a.py": ""}, "differ by case only"),
        ({"A/x": "", "a": ""}, "as a file and as a folder"),
        ({"a": ("/etc/passwd",)}, "leaves the zip"),
        ({"a": ("../b",)}, "leaves the zip"),
        ({"a": ("b",)}, "not in the zip"),
        ({"a": ("a",)}, "leads to itself"),
        ({"node_modules/x": "", "a": ("node_modules/x",)}, "not in the zip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_scan_would_refuse_is_refused_before_the_upload(tmp_path, files, problem):
    folder = written(tmp_path / "code", files)

    assert problem in refusal(read(folder, False))


def test_a_name_that_is_no_text_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.py")).touch()

    assert "not a file name" in refusal(read(tmp_path, False))


def test_a_file_that_changes_while_it_is_packed_is_an_error(tmp_path, monkeypatch):
    written(tmp_path, {"a.bin": bytes(3000), "b.py": ""})
    monkeypatch.setattr(packing, "CHUNK", 1000)
    add = zipfile._ZipWriteFile.write  # type: ignore[attr-defined]

    def append(self, data):
        with (tmp_path / "a.bin").open("ab") as file:
            file.write(b"x")
        return add(self, data)

    monkeypatch.setattr(zipfile._ZipWriteFile, "write", append)  # type: ignore[attr-defined]

    assert "a.bin changed while it was packed" in refusal(read(tmp_path, False))


@pytest.mark.parametrize("mode", [0o100644, 0o120000], ids=["file", "link"])
def test_a_file_that_is_gone_meanwhile_is_an_error(tmp_path, mode):
    source = Source(path=tmp_path, entries=[Entry(path="gone.py", mode=mode)])

    assert "gone.py changed while it was packed" in refusal(source)


def test_a_disk_without_room_is_an_error(tmp_path):
    written(tmp_path, {"a.bin": os.urandom(100_000)})

    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(CommandError) as caught:
        pack(read(tmp_path, False), full)

    assert "the zip cannot be written" in caught.value.what


def test_content_that_the_repository_lacks_is_an_error(made):
    blob = "0" * 40
    source = Source(path=made.path, entries=[Entry(path="a.py", mode=0o100644, blob=blob)])

    assert f"no content for {blob}" in refusal(source)
