"""Every file of an upload is in one class, and the gate counts the unanalysed ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.coverage import CLASSES, Unseen
from scan.finding import Seen
from scan.ledger import LEFT_OUT, NOT_READ, Coverage, Entry, Ledger
from tests.scan.scanning import tree

PYTHON = frozenset({"python"})


def covered(tmp_path, files, seen):
    tree(files, tmp_path)
    entries = [Entry(path=name, size=len(content)) for name, content in files.items()]
    return Ledger(entries, tmp_path).account(seen)


def seen(*analysed, languages=PYTHON, **others):
    return Seen(analysed=frozenset(analysed), languages=languages, **others)


def silent(languages: frozenset[str] | None = PYTHON, **others):
    return Seen(analysed=None, languages=languages, **others)


def counted(coverage):
    return {name: number for name, number in coverage.counts.items() if number}


def test_every_file_is_in_one_class(tmp_path):
    coverage = covered(
        tmp_path,
        {
            "a.py": "x = 1\n",
            "b.PY": "x = 1\n",
            "lib.pyc": b"\0",
            "c.go": "package c\n",
            "d.md": "d",
        },
        seen("a.py"),
    )

    assert coverage.counts == dict.fromkeys(CLASSES, 1)
    assert coverage.unseen == [
        Unseen(kind="unanalysed", file="b.PY", language="Python", reason=NOT_READ),
        Unseen(kind="opaque", file="lib.pyc", language="bytecode", reason="bytecode"),
        Unseen(
            kind="otherLanguage",
            file="c.go",
            language="Go",
            reason="the scanner does not know this language",
        ),
    ]
    assert coverage.languages == {"Go": 1}
    assert coverage.reported


def test_what_the_engine_says_counts_before_what_a_file_looks_like(tmp_path):
    files = {"a.yml": "a: 1\n", "b.go": "package b\n", "c.py": "x = 1\n"}

    coverage = covered(tmp_path, files, seen("a.yml", "b.go", "c.py", unread={"c.py": "why"}))

    assert counted(coverage) == {"analysed": 2, "unanalysed": 1}
    assert [(entry.file, entry.reason) for entry in coverage.unseen] == [("c.py", "why")]


def test_an_error_without_a_known_file_may_be_about_any(tmp_path):
    coverage = covered(
        tmp_path,
        {"a.py": "x = 1\n"},
        seen("a.py", unread={"elsewhere.py": "why"}, incomplete=["could not parse 3 files"]),
    )

    assert counted(coverage) == {"analysed": 1, "unanalysed": 2}
    assert {(entry.file, entry.reason) for entry in coverage.unseen} == {
        ("elsewhere.py", "why"),
        ("", "could not parse 3 files"),
    }


def test_of_a_silent_engine_what_it_could_read_counts_as_analysed(tmp_path):
    files = {
        "a.py": "x = 1\n",
        "b.py": "x = 1\n",
        "c.go": "package c\n",
        "d.md": "d",
        "e.png": b"\0",
    }

    coverage = covered(tmp_path, files, silent(unread={"b.py": "why"}))

    assert counted(coverage) == {"analysed": 1, "unanalysed": 1, "otherLanguage": 1, "noCode": 2}
    assert not coverage.reported
    assert counted(covered(tmp_path, files, silent(languages=None))) == {"analysed": 4, "noCode": 1}


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("web/node_modules", "dependencies"),
        ("web/Node_Modules", "dependencies"),
        ("vendor", "dependencies"),
        ("venv", "virtual environment"),
        (".git", "version control"),
    ],
)
def test_a_folder_of_dependencies_is_one_line(folder, what, tmp_path):
    files = {
        f"{folder}/a.py": "x = 1\n",
        f"{folder}/b/c.go": "package c\n",
        f"{folder}/d.jar": b"PK\5\6",
        f"{folder}/read.py": "x = 1\n",
        f"{folder}/LICENSE": "words",
        "node_modules.py": "x = 1\n",
    }

    coverage = covered(tmp_path, files, seen("node_modules.py", f"{folder}/read.py"))

    assert counted(coverage) == {"analysed": 2, "opaque": 3, "noCode": 1}
    assert coverage.unseen == [
        Unseen(kind="opaque", file=f"{folder}/", language=what, reason=LEFT_OUT, files=3)
    ]


def test_a_virtual_environment_is_known_whatever_its_name(tmp_path):
    files = {"own/pyvenv.cfg": "home = /usr\n", "own/lib/a.py": "x = 1\n", "b.py": "x = 1\n"}

    coverage = covered(tmp_path, files, seen("b.py"))

    assert [(entry.file, entry.files) for entry in coverage.unseen] == [("own/", 1)]


@pytest.mark.parametrize("name", ["app/evil.PY", "app/src/evil.PY", "app/binaries/evil"])
def test_a_virtual_environment_that_has_code_of_its_own_is_none(name, tmp_path):
    files = {"app/pyvenv.cfg": "home = /usr\n", "app/lib/a.py": "x = 1\n"}

    coverage = covered(tmp_path, {**files, name: "#!/usr/bin/python3\n"}, seen("app/lib/a.py"))

    assert counted(coverage) == {"analysed": 1, "unanalysed": 1, "noCode": 1}


def test_a_whole_upload_is_no_virtual_environment(tmp_path):
    files = {"pyvenv.cfg": "home = /usr\n", "bin/evil": "#!/usr/bin/python3\n"}

    assert counted(covered(tmp_path, files, seen())) == {"unanalysed": 1, "noCode": 1}


def test_a_file_that_the_scanner_gave_up_fails_in_a_folder_of_dependencies_too(tmp_path):
    coverage = covered(
        tmp_path, {"vendor/a.py": "x = \n"}, seen("vendor/a.py", unread={"vendor/a.py": "why"})
    )

    assert counted(coverage) == {"unanalysed": 1}


def test_files_excluded_by_the_team_are_named_and_do_not_fail_the_gate(tmp_path):
    files = {"a.py": "x = 1\n", "b.md": "b"}
    why = "excluded on the server"

    coverage = covered(tmp_path, files, seen(excluded={"a.py": why, "b.md": why}))

    assert counted(coverage) == {"opaque": 1, "noCode": 1}
    assert coverage.unseen[0].reason == why


def test_files_of_finder_are_removed_before_the_scan(tmp_path):
    double = b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(30)

    coverage = covered(tmp_path, {"__MACOSX/._a.py": double, "a.py": "x = 1\n"}, seen("a.py"))

    assert counted(coverage) == {"analysed": 1, "noCode": 1}
    assert not (tmp_path / "__MACOSX/._a.py").exists()
    assert (tmp_path / "a.py").exists()


def test_a_hundred_of_each_class_are_shown():
    unseen = [
        Unseen(kind=name, file=f"{number}", language="", reason="")
        for name in ("unanalysed", "opaque")
        for number in range(150)
    ]

    printable = Coverage(counts={}, unseen=unseen, reported=True).listed

    assert printable == unseen[:100] + unseen[150:250]


@pytest.mark.parametrize(
    ("most", "statuses"),
    [
        ({"unanalysed": 0, "opaque": None}, {"unanalysed_files": "error"}),
        ({"unanalysed": 2, "opaque": 2}, {"unanalysed_files": "ok", "opaque_files": "error"}),
        ({"unanalysed": 1, "opaque": 3}, {"unanalysed_files": "error", "opaque_files": "ok"}),
        ({"unanalysed": None, "opaque": None}, {}),
    ],
)
def test_the_conditions_evaluate_like_the_limits(most, statuses):
    counts = dict.fromkeys(CLASSES, 0) | {"unanalysed": 2, "opaque": 3}

    conditions = Coverage(counts=counts, unseen=[], reported=True).conditions(most)

    assert {condition.metric: condition.status for condition in conditions} == statuses
    assert {condition.actual for condition in conditions} <= {"2", "3"}


NAMES = st.sampled_from(["a.py", "b.go", "c.md", "vendor/d.py", "e.pyc", "x/f.PY"])


@pytest.mark.slow
@given(
    analysed=st.frozensets(NAMES),
    unread=st.dictionaries(NAMES, st.just("why")),
    excluded=st.dictionaries(NAMES, st.just("why")),
    languages=st.sampled_from([None, frozenset(), PYTHON, frozenset({"python", "go"})]),
    is_silent=st.booleans(),
)
def test_no_file_is_lost_or_counted_twice(
    analysed, unread, excluded, languages, is_silent, tmp_path_factory
):
    files = dict.fromkeys(["a.py", "b.go", "c.md", "vendor/d.py", "x/f.PY"], "x\n") | {
        "e.pyc": "\0"
    }
    seen_files = Seen(
        analysed=None if is_silent else analysed,
        languages=languages,
        unread=unread,
        excluded=excluded,
    )

    coverage = covered(tmp_path_factory.mktemp("upload"), files, seen_files)

    assert sum(coverage.counts.values()) == len(files)
    listed = sum(entry.files for entry in coverage.unseen)
    assert listed == len(files) - coverage.counts["analysed"] - coverage.counts["noCode"]
