"""Links must lead to a file of the same kind in the zip, or the zip is refused."""

import stat
from pathlib import Path

import pytest

from scan.errors import ScanError
from scan.finding import Seen
from scan.job import UploadLimits
from scan.ledger import Entry, Ledger
from scan.unpacking import unpack
from tests.scan.uploads import BAD
from tests.scan.zip_maker import Item, made

LIMITS = UploadLimits(files=100, bytes=1024**2, ratio=200)
EVIL = next(iter(BAD.values())).encode()


def file(name: str, content: bytes = b"a = 1\n") -> Item:
    return Item(name=name.encode(), content=content)


def link(name: str, target: str | bytes, **fields) -> Item:
    content = target.encode() if isinstance(target, str) else target
    return Item(name=name.encode(), content=content, mode=stat.S_IFLNK | 0o777, **fields)


def unpacked(folder: Path, *items: Item, limits: UploadLimits = LIMITS) -> list[Entry]:
    (folder / "upload.zip").write_bytes(made(*items))
    (folder / "source").mkdir()
    return unpack(folder / "upload.zip", folder / "source", limits)


def refused(folder: Path, *items: Item) -> str:
    with pytest.raises(ScanError) as refusal:
        unpacked(folder, *items)
    assert refusal.value.code == "UnsafeEntry"
    assert refusal.value.message.isprintable()
    return refusal.value.message


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("link.py", "real.py"),
        ("link.PY", "real.py"),
        ("lib/link.py", "../real.py"),
        ("link.py", "./lib/../real.py"),
        ("link.py", "more.py"),
        ("more/link.py", "../folder/deep.py"),
        ("README", "README.md"),
        ("bin", "real.py"),
        ("notes.txt", "real.py"),
    ],
)
def test_a_link_to_a_file_is_that_file_under_the_links_name(name, target, tmp_path):
    entries = unpacked(
        tmp_path,
        file("real.py"),
        file("lib/deep.py"),
        file("README.md"),
        link("more.py", "real.py"),
        link("folder", "lib"),
        link(name, target),
    )

    assert Entry(path=name, size=6, link=target) in entries
    assert (tmp_path / "source" / name).read_bytes() == b"a = 1\n"
    assert not (tmp_path / "source" / name).is_symlink()


@pytest.mark.parametrize("host", [0, 3, 11, 19], ids=["DOS", "Unix", "NTFS", "macOS"])
def test_a_link_is_one_no_matter_who_made_the_zip(host, tmp_path):
    entries = unpacked(tmp_path, file("real.py"), link("link.py", "real.py", host=host))

    assert entries[1].link == "real.py"


@pytest.mark.parametrize(
    ("name", "target"),
    [("folder", "lib"), ("folder", "lib/"), ("lib/up", ".."), ("folder", "."), ("d", "empty")],
)
def test_a_link_to_a_folder_is_listed_and_not_on_disk(name, target, tmp_path):
    empty = Item(name=b"empty/", content=b"", mode=stat.S_IFDIR | 0o755)
    entries = unpacked(tmp_path, file("lib/a.py"), empty, link(name, target))

    assert [entry.link for entry in entries] == [None, target]
    assert not (tmp_path / "source" / name).exists()


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd.py",
        "../outside.py",
        "lib/../../outside.py",
        "..\\outside.py",
        "C:\\outside.py",
        "C:outside.py",
        "folder/../../outside.py",
        "up/../outside.py",
    ],
)
def test_a_link_that_leaves_the_zip_is_refused(target, tmp_path):
    items = file("lib/a.py"), link("lib/up", ".."), link("folder", "lib"), link("up", "lib/up")
    message = refused(tmp_path, *items, link("evil.py", target))

    assert "leaves the zip" in message


def test_a_link_that_leaves_the_zip_through_another_is_refused(tmp_path):
    items = file("d/e/f/a.py"), link("d/e/g", "f/../../.."), link("evil.py", "d/e/g/../x.py")

    assert "leaves the zip" in refused(tmp_path, *items)


@pytest.mark.parametrize(
    "target",
    ["gone.py", "", "REAL.py", "real.py/", "real.py/x.py", "real.py/../real.py", "lib/gone.py"],
)
def test_a_link_to_nothing_in_the_zip_is_refused(target, tmp_path):
    items = file("real.py"), file("lib/a.py"), link("evil.py", target)

    assert "not in the zip" in refused(tmp_path, *items)


def test_code_as_the_target_of_a_link_is_refused(tmp_path):
    """Python, Java and Windows unpack such a link as a file with the target as content."""
    assert "not in the zip" in refused(tmp_path, file("a.py"), link("evil.py", EVIL))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("evil.py", "import os;os.system('id')#.py"),
        ("evil.sh", "reboot&x.sh"),
        ("evil.sh", "rm -rf x.sh"),
        ("evil.rb", "`id`.rb"),
        ("evil.js", "alert(1).js"),
        ("Makefile", "Makefile: ; id/Makefile"),
    ],
)
def test_a_target_whose_name_is_code_is_refused(name, target, tmp_path):
    assert "run as code" in refused(tmp_path, file(target), link(name, target))


def test_a_link_whose_target_is_no_text_is_refused(tmp_path):
    assert "not in the zip" in refused(tmp_path, file("a.py"), link("evil.py", b"\xff.py"))


def test_a_link_whose_target_has_no_end_is_refused(tmp_path):
    assert "too long" in refused(tmp_path, file("a.py"), link("evil.py", "./" * 3000 + "a.py"))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("evil.py", "notes.txt"),
        ("evil.PY", "notes.txt"),
        ("evil.sh", "code.py"),
        ("Makefile", "notes.txt"),
        ("evil.py", "README"),
        ("evil.py", "lib"),
    ],
)
def test_a_link_that_makes_code_of_a_file_is_refused(name, target, tmp_path):
    files = [file(item, EVIL) for item in ("notes.txt", "code.py", "README", "lib/a.py")]

    assert "another suffix" in refused(tmp_path, *files, link(name, target))


@pytest.mark.parametrize(
    "links",
    [{"a.py": "a.py"}, {"a.py": "b.py", "b.py": "a.py"}, {"a.py": "d/a.py", "d": "."}],
    ids=["itself", "each other", "through a folder"],
)
def test_links_that_lead_to_themselves_are_refused(links, tmp_path):
    items = [link(name, target) for name, target in links.items()]

    assert "leads to itself" in refused(tmp_path, file("x.py"), *items)


def test_an_entry_below_a_link_is_refused(tmp_path):
    items = file("lib/a.py"), link("src", "lib"), file("src/evil.py")

    assert "as a file and as a folder" in refused(tmp_path, *items)


def test_a_link_counts_as_the_file_that_it_leads_to(tmp_path):
    items = file("big.bin", b"x" * 1000), link("again.bin", "big.bin")

    with pytest.raises(ScanError, match=r"2,000 bytes; 1,500 are allowed"):
        unpacked(tmp_path, *items, limits=UploadLimits(files=9, bytes=1500, ratio=200))


@pytest.mark.parametrize(
    ("target", "counts"),
    [("node_modules/evil", 2), ("node_modules", 2), ("lib", 1), ("through", 3)],
)
def test_a_link_into_a_folder_of_dependencies_is_opaque(target, counts, tmp_path):
    """Scanners exclude that folder, but under the link's name it is the upload's own code."""
    entries = unpacked(
        tmp_path,
        file("node_modules/evil/index.js", b"x()\n"),
        file("lib/a.py"),
        *([link("through", "node_modules")] if target == "through" else []),
        link("src", target),
    )

    seen = Seen(analysed=frozenset({"lib/a.py"}), languages=frozenset({"python", "javascript"}))
    coverage = Ledger(entries, tmp_path / "source").account(seen)

    assert coverage.counts["opaque"] == counts
    named = {entry.file: entry.reason for entry in coverage.unseen}
    assert ("src" in named) == (counts > 1)


def test_a_link_within_a_folder_of_dependencies_adds_nothing(tmp_path):
    entries = unpacked(
        tmp_path,
        file("node_modules/.store/evil/index.js", b"x()\n"),
        link("node_modules/evil", ".store/evil"),
    )

    seen = Seen(analysed=frozenset(), languages=frozenset({"javascript"}))
    coverage = Ledger(entries, tmp_path / "source").account(seen)

    assert coverage.counts["opaque"] == 1
