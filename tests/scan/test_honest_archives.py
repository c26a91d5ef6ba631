"""Archives of all common tools are unpacked: each file, byte for byte, and nothing else."""

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from scan.errors import ScanError
from scan.job import UploadLimits
from scan.unpacking import unpack
from tests.scan.zip_maker import BZIP2, DEFLATED, LZMA, STORED, UTF8, Item, extra, made

LIMITS = UploadLimits(files=1000, bytes=64 * 1024**2, ratio=2000)
FILES = {
    "shop/prices.py": b"def total(prices):\n    return sum(prices)\n",
    "shop/__init__.py": b"",
    "shop/übersicht.md": "# Übersicht\n".encode(),
    "データ 1/全角\u3000名.py": b"a = 1\n",
    "docs/a/b/c/d/deep.txt": b"deep\n",
    "run.sh": b"#!/bin/sh\necho run\n",
    "zeros.bin": bytes(300_000),
    "noise.bin": bytes((number * number) % 251 for number in range(70_000)),
}
LINKS = {"shop/cost.py": "prices.py", "manual": "docs", "LICENSE": "docs/a/b/c/d/deep.txt"}
PLAIN = {
    "Info-ZIP": "zip -qr {zip} .",
    "Info-ZIP, stored": "zip -qr0 {zip} .",
    "Info-ZIP, best": "zip -qr9 {zip} .",
    "Info-ZIP, bzip2": "zip -qr -Z bzip2 {zip} .",
    "Info-ZIP, streamed": "zip -qr - . | cat > {zip}",
    "Info-ZIP, streamed and stored": "zip -qr0 - . | cat > {zip}",
    "Info-ZIP, from standard input": "find . -type f | zip -q -@ {zip}",
    "Info-ZIP, without folders": "zip -qrD {zip} .",
    "Info-ZIP, without extra fields": "zip -qrX {zip} .",
    "Info-ZIP, zip64": "zip -qr -fz {zip} .",
    "Info-ZIP, with a comment": "echo made today | zip -qrz {zip} .",
    "Info-ZIP, with UTF-8 names": "zip -qr -UN=UTF8 {zip} .",
    "Info-ZIP, changed": "echo x > x && zip -qr {zip} . && rm x && zip -qd {zip} x && "
    "touch -d 2035-01-01 run.sh && zip -qu {zip} run.sh",
    "Info-ZIP, grown": "zip -q {zip} run.sh && zip -qrg {zip} .",
    "7-Zip": "7z a -bd -bso0 -tzip {zip} .",
    "7-Zip, stored": "7z a -bd -bso0 -tzip -mx0 {zip} .",
    "7-Zip, best": "7z a -bd -bso0 -tzip -mx9 {zip} .",
    "7-Zip, bzip2": "7z a -bd -bso0 -tzip -mm=BZip2 {zip} .",
    "7-Zip, LZMA": "7z a -bd -bso0 -tzip -mm=LZMA {zip} .",
    "7-Zip, all times": "7z a -bd -bso0 -tzip -mtc=on -mta=on {zip} .",
    "7-Zip, UTF-8 everywhere": "7z a -bd -bso0 -tzip -mcu=on {zip} .",
    "7-Zip, local names": "7z a -bd -bso0 -tzip -mcl=on {zip} .",
    "7-Zip, changed": "7z a -bd -bso0 -tzip {zip} . && 7z u -bd -bso0 {zip} run.sh",
    "bsdtar": "bsdtar --format zip -cf {zip} .",
    "bsdtar, stored": "bsdtar --format zip --options zip:compression=store -cf {zip} .",
    "bsdtar, zip64": "bsdtar --format zip --options zip:zip64 -cf {zip} .",
    "bsdtar, without zip64": "bsdtar --format zip --options zip:zip64=0 -cf {zip} *",
    "jar": "jar cf {zip} .",
    "jar, stored": "jar cf0 {zip} .",
    "jar, without a manifest": "jar cfM {zip} .",
    "jar, streamed": "jar c . > {zip}",
    "python -m zipfile": "python -m zipfile -c {zip} *",
    "python, make_archive": 'python -c "import shutil; '
    "shutil.make_archive('{zip}'[:-4], 'zip', '.')\"",
}
WITH_LINKS = {
    "Info-ZIP, links": "zip -qry {zip} .",
    "Info-ZIP, links, packed": "zip -qry9 {zip} .",
    "7-Zip, links": "7z a -bd -bso0 -tzip -snl {zip} .",
    "bsdtar, links": "bsdtar --format zip -cf {zip} .",
    "git archive": "git archive --format=zip -o {zip} HEAD",
    "git archive, stored": "git archive --format=zip -0 -o {zip} HEAD",
    "git archive, piped": "git archive --format=zip HEAD | cat > {zip}",
}
GIT = (
    "git init -q . && git add . && git -c user.name=a -c user.email=a@b.invalid "
    "commit -qm 'chore: begin'"
)


def run(command: str, folder: Path, archive: Path) -> None:
    """Run the shell ``command`` in ``folder``, or skip the test if its program is missing."""
    program = (
        command.split(maxsplit=1)[0]
        .replace("find", "zip")
        .replace("echo", "zip")
        .replace("touch", "zip")
    )
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed here")
    words = command.replace("{zip}", str(archive)).replace("python ", f"{sys.executable} ")
    environment = os.environ | {"LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def tree(folder: Path, links: bool = False) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "empty").mkdir()
    for name, target in LINKS.items() if links else ():
        (folder / name).symlink_to(target)
    return folder


def ledger(archive: Path, to: Path) -> dict[str, bytes | str]:
    """The files of the zip: content by path, and the targets of links to folders."""
    to.mkdir()
    return {
        entry.path: entry.link or "."
        if entry.folder is not None
        else (to / entry.path).read_bytes()
        for entry in unpack(archive, to, LIMITS)
    }


@pytest.fixture
def source(tmp_path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


@pytest.mark.parametrize("maker", PLAIN)
def test_an_archive_has_the_files_that_went_in(maker, source, tmp_path):
    archive = tmp_path / "made.zip"
    run(PLAIN[maker], tree(source), archive)

    files = ledger(archive, tmp_path / "source")

    files.pop("META-INF/MANIFEST.MF", None)
    assert files == FILES


@pytest.mark.parametrize("maker", WITH_LINKS)
def test_an_archive_has_the_links_that_went_in(maker, source, tmp_path):
    tree(source, links=True)
    archive = tmp_path / "made.zip"
    if maker.startswith("git"):
        run(GIT, source, archive)
    run(WITH_LINKS[maker], source, archive)

    files = ledger(archive, tmp_path / "source")

    files = {path: content for path, content in files.items() if not path.startswith(".git/")}
    copies = {"shop/cost.py": FILES["shop/prices.py"], "LICENSE": b"deep\n", "manual": "docs"}
    assert files == FILES | copies


def test_a_git_archive_of_a_folder_has_its_prefix(source, tmp_path):
    run(GIT, tree(source), tmp_path)
    run("git archive --format=zip --prefix=app-1.0/ -o {zip} HEAD", source, tmp_path / "made.zip")

    files = ledger(tmp_path / "made.zip", tmp_path / "source")

    assert files == {f"app-1.0/{name}": content for name, content in FILES.items()}


class Pipe:
    """A file that cannot seek."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush


@pytest.mark.parametrize("method", [STORED, DEFLATED, BZIP2, LZMA])
@pytest.mark.parametrize("way", ["file", "stream", "zip64", "zip64 stream"])
def test_what_pythons_zipfile_writes_in_any_way_is_unpacked(method, way, tmp_path):
    with (tmp_path / "made.zip").open("wb") as file:
        to: Any = file if "stream" not in way else Pipe(file)
        with zipfile.ZipFile(to, "w", method) as opened:
            for name, content in FILES.items():
                with opened.open(name, "w", force_zip64="zip64" in way) as entry:
                    entry.write(content)

    assert ledger(tmp_path / "made.zip", tmp_path / "source") == FILES


GO = """package main
import ("archive/zip"; "io/fs"; "os"; "path/filepath")
func main() {
  file, _ := os.Create(os.Args[1])
  archive := zip.NewWriter(file)
  filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
    info, _ := entry.Info()
    header, _ := zip.FileInfoHeader(info)
    header.Name = filepath.ToSlash(path)
    if entry.IsDir() { header.Name += "/"; archive.CreateHeader(header); return nil }
    if len(path) % 2 == 0 { header.Method = zip.Deflate }
    content, _ := os.ReadFile(path)
    writer, _ := archive.CreateHeader(header)
    writer.Write(content)
    return nil
  })
  archive.SetComment("made by Go")
  archive.Close()
  file.Close()
}
"""


@pytest.mark.slow
def test_what_gos_archive_zip_writes_is_unpacked(source, tmp_path):
    if not shutil.which("go"):
        pytest.skip("go is not installed here")
    (tmp_path / "make.go").write_text(GO)
    run(f"go run {tmp_path / 'make.go'} {{zip}}", tree(source), tmp_path / "made.zip")

    assert ledger(tmp_path / "made.zip", tmp_path / "source") == FILES


JAVA = """import java.io.*; import java.nio.file.*; import java.util.zip.*;
public class Make {
  public static void main(String[] arguments) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(arguments[0]));
        var paths = Files.walk(Path.of("."))) {
      zip.setComment("made by Java");
      for (Path path : (Iterable<Path>) paths::iterator) {
        String name = Path.of(".").relativize(path).toString();
        if (name.isEmpty()) continue;
        zip.putNextEntry(new ZipEntry(name + (Files.isDirectory(path) ? "/" : "")));
        if (!Files.isDirectory(path)) Files.copy(path, zip);
        zip.closeEntry();
      }
    }
  }
}
"""


@pytest.mark.slow
def test_what_javas_zip_output_stream_writes_is_unpacked(source, tmp_path):
    """It also compresses folders: two bytes that unpack to none."""
    if not shutil.which("javac"):
        pytest.skip("java is not installed here")
    (tmp_path / "Make.java").write_text(JAVA)
    run(f"java {tmp_path / 'Make.java'} {{zip}}", tree(source), tmp_path / "made.zip")

    assert ledger(tmp_path / "made.zip", tmp_path / "source") == FILES


def test_what_finder_compresses_is_unpacked(tmp_path):
    """Archive Utility of macOS 14, byte by byte.

    Each file is deflated with a data descriptor and has the old Unix extra field, with the owner in
    the local header only; names are UTF-8 without the flag, in normal form D; folders are stored;
    resource forks are files of their own, and the icon of a folder is called ``Icon`` and a return.
    """
    times, owner = bytes(8), bytes(4)

    def file(name: str, content: bytes) -> Item:
        return Item(
            name=name.encode(),
            content=content,
            method=DEFLATED,
            descriptor="signed",
            local_extra=extra(0x5855, times + owner),
            central_extra=extra(0x5855, times),
        )

    def folder(name: str) -> Item:
        return Item(name=name.encode(), content=b"", mode=stat.S_IFDIR | 0o755)

    double = b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(100)
    files = {
        "shop/prices.py": b"a = 1\n",
        "shop/u\u0308bersicht.md": b"# U\n",
        "shop/.DS_Store": b"\0\0\0\1Bud1" + bytes(100),
        "shop/Icon\r": b"",
        "__MACOSX/shop/._Icon\r": double,
        "__MACOSX/shop/._prices.py": double,
    }
    items = [folder("shop/"), *(file(name, content) for name, content in files.items())]
    (tmp_path / "made.zip").write_bytes(made(*items, folder("__MACOSX/")))

    assert ledger(tmp_path / "made.zip", tmp_path / "source") == files


def test_what_windows_explorer_compresses_is_unpacked(tmp_path):
    """Windows 10's *Send to, compressed folder*, byte by byte.

    Made by DOS 2.0, no Unix mode, attribute *archive*, no extra fields, no folders; names are in
    the code page of the machine, and in UTF-8 with the flag where that has no such character.
    """

    def file(name: bytes, flags: int = 0) -> Item:
        central: dict[str, int | bytes] = {"made_by": 20, "attributes": 0x20}
        return Item(name=name, method=DEFLATED, flags=flags, central=central, host=0, mode=0)

    items = [
        file(b"shop/prices.py"),
        file("shop/größe.py".encode("cp850")),
        file("shop/全角.py".encode("cp932")),
        file("shop/データ.py".encode(), UTF8),
    ]
    (tmp_path / "made.zip").write_bytes(made(*items))

    files = ledger(tmp_path / "made.zip", tmp_path / "source")

    assert len(files) == 4
    assert {"shop/prices.py", "shop/データ.py"} < set(files)
    assert all(name.endswith(".py") for name in files)


@pytest.mark.parametrize("method", ["Deflate64", "PPMd", "ZSTD"])
def test_an_unknown_compression_method_is_named(method, source, tmp_path):
    archive = tmp_path / "made.zip"
    try:
        run(f"7z a -bd -bso0 -tzip -mm={method} {{zip}} .", tree(source), archive)
    except AssertionError:
        pytest.skip(f"this 7-Zip does not pack by {method}")

    with pytest.raises(ScanError, match="packed in an unusual way") as refusal:
        ledger(archive, tmp_path / "source")

    assert refusal.value.code == "UnsupportedZip"


def test_a_self_extracting_archive_is_refused(source, tmp_path):
    run("zip -qr {zip} .", tree(source), tmp_path / "made.zip")
    with (tmp_path / "made.zip").open("rb") as file:
        body = file.read()
    (tmp_path / "made.zip").write_bytes(b"MZ\x90\0" + bytes(100) + body)
    # Its offsets count from the start of the file, so only the prefix itself is wrong.
    run("zip -qA {zip}", source, tmp_path / "made.zip")

    with pytest.raises(ScanError, match="before the first entry") as refusal:
        ledger(tmp_path / "made.zip", tmp_path / "source")

    assert refusal.value.code == "AmbiguousZip"


def test_trailing_zeros_are_refused(source, tmp_path):
    """bsdtar writes them into a pipe, but not into a file."""
    run("bsdtar --format zip -cf - . | cat > {zip}", tree(source), tmp_path / "made.zip")

    with pytest.raises(ScanError, match="a comment of 0 bytes") as refusal:
        ledger(tmp_path / "made.zip", tmp_path / "source")

    assert refusal.value.code == "AmbiguousZip"
