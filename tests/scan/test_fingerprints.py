"""Fingerprints survive moved lines, and a new finding never has that of a known one."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.changes import compare
from domain.findings import Finding
from domain.findings_document import AllFindings, read
from scan import content
from scan.all_findings import document
from scan.fingerprints import MOST_LINES, Reported, identified
from tests.scan.test_all_findings import analysed
from tests.scan.test_report import JOB

CALL = "run(command, shell=True)"


def at(line: int | None = 1, *, rule="R1", file="app.py", message="m", last=None, own=""):
    finding = Finding(rule=rule, severity="HIGH", message=message, file=file, line=line)
    return Reported(finding, last, own)


@pytest.fixture
def fingerprints(tmp_path):
    """Returns the fingerprints of what is reported of files."""

    def of(files: dict[str, str | bytes], *reported: Reported) -> list[str]:
        for name, text in files.items():
            path = tmp_path / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [item.fingerprint for item in identified(reported, tmp_path / "source").findings]

    return of


def same(fingerprints, before: str | bytes, now: str | bytes, **change):
    """Whether the finding in line 1 of ``before`` is that in line 1 of ``now``."""
    old, new = (fingerprints({"app.py": text}, at(**change)) for text in (before, now))
    return old == new


@pytest.mark.parametrize(
    "now",
    [f"    {CALL}\n", f"\t{CALL}", f"{CALL}\r\n", f"{CALL}  \n", f"{CALL}\n\n\n"],
    ids=["indented", "with a tab", "CRLF", "trailing blanks", "lines below"],
)
def test_the_layout_of_a_line_may_change(fingerprints, now):
    assert same(fingerprints, f"{CALL}\n", now)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (CALL, "run(other, shell=True)"),
        ('run("rm -rf /tmp")', 'run("rm -rf / tmp")'),
        ('run("a b")', 'run("ab")'),
        ("é".encode("latin-1"), "è".encode("latin-1")),
        ("x = 'é'".encode(), "x = 'è'".encode()),
        ("a\0b", "a\0c"),
        ("x" * content.CHUNK + " y", "x" * content.CHUNK + "y"),
        ("", "x"),
    ],
)
def test_another_text_is_another_finding(fingerprints, before, now):
    assert not same(fingerprints, before, now)


@pytest.mark.parametrize(
    "start",
    ["a\rb\n", "a\fb\n", "a\x1eb\n", "a\x85b\n", "a\u2028b\n", "//line x.go:9\n", "  # 9 \"x.c\"\n",
     "#line 9\n", "x(); /*line :9*/\n", "x" * (content.CHUNK - 1) + "\u2028\n"],
)  # fmt: skip
def test_where_tools_may_number_lines_otherwise_the_whole_file_must_be_the_same(
    fingerprints, start
):
    # Semgrep counts only line feeds, so for it the first line is another one than for Python.
    old = fingerprints({"app.py": f"{start}same\neval('1')\n"}, at(2))

    assert fingerprints({"app.py": f"{start}same\neval('1')\n"}, at(2)) == old
    assert fingerprints({"app.py": f"{start}same\neval(input())\n"}, at(2)) != old


def test_what_renumbers_only_later_lines_does_not_matter(fingerprints):
    assert same(fingerprints, f"{CALL}\na\rb", f"{CALL}\na\rc")


def test_where_a_location_may_mean_two_files_both_must_be_the_same(fingerprints):
    reported = at(file="a b.py")._replace(others=("a%20b.py",))
    old = fingerprints({"a b.py": "same", "a%20b.py": "eval('1')"}, reported)

    assert fingerprints({"a b.py": "same", "a%20b.py": "eval('1')"}, reported) == old
    assert fingerprints({"a b.py": "same", "a%20b.py": "eval(input())"}, reported) != old
    assert fingerprints({"a b.py": "changed", "a%20b.py": "eval('1')"}, reported) != old


def test_the_lines_that_a_tool_marks_are_all_compared(fingerprints):
    before, now = "run(\n    safe,\n    shell=True)\n", "run(\n    unsafe,\n    shell=True)\n"

    assert same(fingerprints, before, now)
    assert not same(fingerprints, before, now, last=3)


def test_of_many_marked_lines_only_the_first_are_compared(fingerprints):
    lines = [f"line {number}" for number in range(100)]
    changed = [*lines[:MOST_LINES], "changed", *lines[MOST_LINES + 1 :]]

    assert same(fingerprints, "\n".join(lines), "\n".join(changed), last=100)
    changed[MOST_LINES - 1] = "changed"
    assert not same(fingerprints, "\n".join(lines), "\n".join(changed), last=100)


@pytest.mark.parametrize("last", [10**30, 0, -5])
def test_a_hostile_last_line_costs_nothing(fingerprints, last):
    assert same(fingerprints, f"{CALL}\n", f"{CALL}\n", last=last)


def test_equal_findings_are_numbered_by_their_lines(fingerprints):
    text = {"app.py": f"{CALL}\n" * 3}
    first, second, third = fingerprints(text, at(1), at(2), at(3))

    assert len({first, second, third}) == 3
    assert fingerprints(text, at(3), at(1), at(2)) == [third, first, second]
    assert fingerprints(text, at(1), at(1)) == [first, second]


def test_the_same_line_added_elsewhere_is_a_new_finding(fingerprints):
    before = fingerprints({"app.py": f"x\n{CALL}\n"}, at(2))
    now = fingerprints({"app.py": f"{CALL}\nx\n{CALL}\n"}, at(1), at(3))

    assert len(set(now) - set(before)) == 1


def test_findings_of_another_rule_on_the_same_line_differ(fingerprints):
    one, two = (fingerprints({"app.py": CALL}, at(rule=rule)) for rule in ("R1", "R2"))

    assert one != two


def test_a_tools_own_fingerprint_tells_findings_apart(fingerprints):
    assert not same_own(fingerprints, "a", "b")
    assert same_own(fingerprints, "a", "a")


def same_own(fingerprints, before, now):
    old, new = (fingerprints({"app.py": CALL}, at(own=own)) for own in (before, now))
    return old == new


def test_one_fingerprint_of_a_tool_for_many_findings_makes_none_of_them_known(fingerprints):
    [known] = fingerprints({"app.py": "eval('1')\n"}, at(1, own="constant"))
    now = {"app.py": "eval(input())\neval('1')\neval('1')\n"}

    new = fingerprints(now, *(at(line, own="constant") for line in (1, 2, 3)))

    assert new[1] == known
    assert len(set(new)) == 3


def test_without_a_line_the_message_is_compared(fingerprints):
    old = fingerprints({"app.py": "x"}, at(None))

    assert fingerprints({"app.py": "y"}, at(None)) == old
    assert fingerprints({"app.py": "y"}, at(None, message="other")) != old


@pytest.mark.parametrize("file", ["", "missing.py", "a\0b", "x" * 5000, "lib.jar!/A.class", "."])
def test_a_file_that_the_upload_does_not_have_is_not_needed(fingerprints, file):
    one, two = fingerprints({"app.py": CALL}, at(file=file), at(file=file, message="other"))

    assert one != two


@pytest.mark.parametrize("name", ["../secret", "{absolute}", "link", "folder/secret"])
def test_no_file_outside_of_the_upload_is_read(fingerprints, tmp_path, name):
    secret = tmp_path / "secret"
    (tmp_path / "source").mkdir()
    os.symlink(secret, tmp_path / "source" / "link")
    os.symlink(tmp_path, tmp_path / "source" / "folder")
    results = []
    for text in ("one", "two"):
        secret.write_text(text)
        reported = at(file=name.format(absolute=secret))
        results.append(fingerprints({"app.py": CALL}, reported))
        assert identified([reported], tmp_path / "source").contents == {}

    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("one", "two"),
    [("a" * 501, "a" * 500 + "b"), ("a\udc80", "a\udc81")],
    ids=["cut", "undecodable"],
)
def test_files_whose_names_become_the_same_in_the_document_stay_apart(fingerprints, one, two):
    first, second = fingerprints({}, at(file=one), at(file=two))

    assert first != second


def test_messages_and_rules_that_are_cut_in_the_document_stay_apart(fingerprints):
    long = "m" * 1000
    results = fingerprints(
        {},
        *(at(None, message=long + end) for end in "ab"),
        *(at(None, rule=long + end) for end in "ab"),
    )

    assert len(set(results)) == 4


def test_utf_16_is_read_by_its_lines(fingerprints):
    before, now = (f"{head}{CALL}\r\n".encode("utf-16") for head in ("x\r\n", "x\r\ny\r\n"))

    old, new = fingerprints({"app.py": before}, at(2)), fingerprints({"app.py": now}, at(3))

    assert old == new
    assert fingerprints({"app.py": now}, at(2)) != old


def test_a_line_of_many_megabytes_is_read_in_chunks(tmp_path, monkeypatch):
    path = tmp_path / "bundle.min.js"
    path.write_bytes(b"var a=1;" * 2**20 + b"\n" + b"eval(x)\n")
    chunks: list[int] = []
    open_path = Path.open

    def opened(self, *arguments, **more):
        file = open_path(self, *arguments, **more)
        if "b" not in "".join(map(str, arguments)):
            readline = file.readline
            file.readline = lambda size: chunks.append(size) or readline(size)
        return file

    monkeypatch.setattr(Path, "open", opened)
    texts = content.lines(path, {1, 2}, 2)

    assert texts is not None
    assert set(texts) == {1, 2}
    assert set(chunks) == {content.CHUNK}


def test_each_file_is_read_once_however_many_findings_it_has(tmp_path, monkeypatch):
    (tmp_path / "app.py").write_text(f"{CALL}\n" * 500)
    files: list[str] = []
    monkeypatch.setattr(
        content,
        "lines",
        lambda path, *more, read=content.lines: files.append(path.name) or read(path, *more),
    )

    identified([at(line) for line in range(1, 500)], tmp_path)

    assert files == ["app.py"]


# Whole scans: every line that has one of these words is a finding of that rule.
WORDS = {"eval": "R1", "exec": "R2"}
LINES = st.lists(
    st.sampled_from(["eval(a)", "eval(b)", "exec(a)", "  eval(a)", "x = 1", "y = 2", ""]),
    max_size=12,
)
FILES = st.dictionaries(st.sampled_from(["a.py", "b.py", "c/d.py"]), LINES, max_size=3)
Files = dict[str, list[str]]


def scan(files: Files, order=None) -> AllFindings:
    """The findings of ``files``, as they are read from findings.json."""
    reported = [
        at(number, rule=rule, file=file)
        for file, lines in files.items()
        for number, line in enumerate(lines, 1)
        for word, rule in WORDS.items()
        if word in line
    ]
    if order:
        order.shuffle(reported)
    with TemporaryDirectory() as folder:
        for file, lines in files.items():
            path = Path(folder, file)
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines))
        known = identified(reported, Path(folder))
    analysis = replace(analysed(known.findings), contents=known.contents)
    return read(document(JOB, analysis))


def occurrences(files: Files) -> Counter[tuple[str, str, str]]:
    """How often each text with a finding is in each file."""
    return Counter(
        (file, rule, line.strip())
        for file, lines in files.items()
        for line in lines
        for word, rule in WORDS.items()
        if word in line
    )


@given(FILES, st.data())
def test_unrelated_lines_and_order_and_new_names_change_no_identity(files, data):
    now = {}
    for file, lines in files.items():
        changed = [line for line in lines if line or data.draw(st.booleans())]
        for _ in range(data.draw(st.integers(0, 3))):
            changed.insert(data.draw(st.integers(0, len(changed))), "import os")
        now[file] = changed

    changes = compare(scan(files), scan(now, data.draw(st.randoms(use_true_random=False))))
    assert changes.new == changes.fixed == ()

    moved = compare(
        scan(files), scan({f"src/{file.replace('/', '_')}": files[file] for file in files})
    )
    assert moved.new == moved.fixed == ()


@given(FILES, FILES)
def test_only_what_was_there_as_often_is_known(files, other):
    before, now = scan(files), scan(other)
    known = Counter(
        (item.file, item.rule, other[item.file][(item.line or 0) - 1].strip())
        for item in compare(before, now).known
    )
    had = occurrences(files)
    for (file, rule, text), number in known.items():
        same_content = [
            name for name, lines in files.items() if "\n".join(lines) == "\n".join(other[file])
        ]
        assert number <= max(had[name, rule, text] for name in {file, *same_content})
    # Over the whole upload, too: one finding makes one other known at most.
    assert collected(known) <= collected(had)


def collected(counted: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str]]:
    total: Counter[tuple[str, str]] = Counter()
    for (_, rule, text), number in counted.items():
        total[rule, text] += number
    return total


@given(
    FILES,
    st.sampled_from(["a.py", "b.py"]),
    st.sampled_from(["eval(a)", "eval(new)", "exec(a)"]),
    st.data(),
)
def test_one_more_finding_anywhere_is_one_new_finding(files, file, line, data):
    lines = files.get(file, [])
    position = data.draw(st.integers(0, len(lines)))
    now = {**files, file: [*lines[:position], line, *lines[position:]]}

    changes = compare(scan(files), scan(now))

    assert len(changes.new) == 1
    assert changes.fixed == ()
    assert changes.new[0].file == file
