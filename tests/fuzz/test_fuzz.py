"""A short run of the fuzz test, and the zips that revealed bugs, as code."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fuzz import unzippers
from tests.fuzz.comparing import compare
from tests.fuzz.mutations import zip_of
from tests.fuzz.unzippers import Unzipper
from tests.scan.zip_maker import DEFLATED, Item, extra, made, unicode_path

ZIPS = 250


EVIL = b"import os\n"
NOTES = Item(name=b"notes.txt", content=b"notes\n")
# Zips that were accepted, and from which unzippers wrote other files, before each rule.
HOLES = {
    "bsdtar goes by a second name in the local header only": (
        "bsdtar",
        Item(name=b"a.txt", content=EVIL, local_extra=unicode_path(b"a.txt", b"evil.py")),
    ),
    "bsdtar makes a link of a file with libarchive's extra field": (
        "bsdtar",
        Item(
            name=b"evil.py",
            content=b"notes.txt",
            local_extra=extra(0x6C78, b"\x07\x1e\x03\x00\x00\x00\x00\x00\xff\xa1"),
        ),
    ),
    "bsdtar reads on behind stored data without a signature": (
        "bsdtar (stream)",
        Item(name=b"evil.sh", content=EVIL, descriptor="bare"),
    ),
    "bsdtar reads eight bytes of the next entry as the end of a data descriptor": (
        "bsdtar (stream)",
        Item(name=b"a.py", method=DEFLATED, descriptor="signed", zip64="local"),
        Item(name=b"inner.zip", content=made(Item(name=b"evil.py", content=EVIL))),
    ),
    "unzip drops bytes that are not in its code page": (
        "unzip",
        Item(name=b"evil.py\xff", content=EVIL),
    ),
    "unzip drops the version that VMS writes behind names": (
        "unzip",
        Item(name=b"evil.py;1", content=EVIL),
    ),
}


@pytest.fixture(scope="module")
def unzippers_found(tmp_path_factory) -> Iterator[Mapping[str, Unzipper]]:
    with unzippers.installed(tmp_path_factory.mktemp("java")) as unzippers_found:
        yield unzippers_found


@pytest.mark.slow
@pytest.mark.parametrize("name", unzippers.NAMES)
def test_no_unzipper_writes_a_file_that_is_not_in_the_ledger(name, unzippers_found, tmp_path):
    if name not in unzippers_found:
        pytest.skip(f"{name} is not installed here")

    problem, unpacked = [], 0
    for number in range(ZIPS):
        body, mutations = zip_of(f"test-{number}")
        comparison = compare(body, tmp_path, {name: unzippers_found[name]})
        unpacked += not comparison.refusal
        if comparison.unseen or (comparison.refusal and not mutations):
            problem.append((number, mutations, comparison))

    assert problem == []
    assert unpacked > ZIPS / 10


@pytest.mark.parametrize("hole", HOLES)
def test_a_zip_found_by_fuzzing_is_refused(hole, tmp_path):
    _, *items = HOLES[hole]
    body = made(*items, NOTES)

    assert compare(body, tmp_path, {}).refusal in {"AmbiguousZip", "UnsafeEntry"}


@pytest.mark.parametrize("hole", HOLES)
def test_an_unzipper_does_what_the_rule_is_for(hole, unzippers_found, tmp_path):
    """Shows that the rule is still needed."""
    name, *items = HOLES[hole]
    if name not in unzippers_found:
        pytest.skip(f"{name} is not installed here")
    (tmp_path / "upload.zip").write_bytes(made(*items, NOTES))
    (tmp_path / "theirs").mkdir()

    unzippers_found[name](tmp_path / "upload.zip", tmp_path / "theirs")

    written = {
        path.name: "link" if path.is_symlink() else path.read_bytes()
        for path in (tmp_path / "theirs").iterdir()
    }
    as_it_should_be = {item.name.decode("latin-1"): item.content for item in [*items, NOTES]}
    assert written != as_it_should_be


def test_a_file_that_only_an_unzipper_writes_is_found(tmp_path):
    """Otherwise no run could ever find a bug."""

    def unzip(_archive: Path, to: Path) -> bool:
        (to / "a.py").write_bytes(b"another\n")
        return True

    comparison = compare(made(Item(name=b"a.py")), tmp_path, {"liar": unzip})

    assert comparison.unseen == ["liar: 'a.py' b'another\\n'"]
