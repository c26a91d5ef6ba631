"""Annotations and summary show the worst findings; no text in them becomes a command or markup."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.formats import github
from tests.ops.formats.results import (
    FINDING,
    ORDERS,
    any_finding,
    compared,
    evaluated,
    failed_to_run,
    texts,
)

# As GitHub's runner parses a line (its ActionCommand.cs).
COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")
PROPERTY = re.compile(r"(file|line|title)=([^,:]*)")


def annotations(result, capsys):
    """Each annotation as ``(level, properties, message)``."""
    github.annotate(result, to_stderr=False)
    return [parsed(row) for row in capsys.readouterr().out.splitlines()]


def parsed(row):
    match = COMMAND.fullmatch(row)
    assert match, row
    properties = [PROPERTY.fullmatch(item) for item in match[2].split(",")]
    assert all(properties), row
    return match[1], {item[1]: item[2] for item in properties if item}, match[3]


@pytest.fixture
def step_summary(tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_the_result_and_each_finding_are_annotated(capsys):
    low = {**FINDING, "severity": "LOW", "line": None}

    assert annotations(evaluated(FINDING, low), capsys) == [
        ("error", {"title": "payments%3A failed"}, "payments: failed"),
        ("error", {"title": "HIGH B602", "file": "src/a b.py", "line": "3"}, FINDING["message"]),
        ("notice", {"title": "LOW B602", "file": "src/a b.py"}, FINDING["message"]),
    ]


def test_new_findings_are_annotated_first_and_marked(capsys):
    known = {**FINDING, "rule": "B601"}

    titles = [
        item[1]["title"] for item in annotations(compared(known, FINDING, known=(0,)), capsys)
    ]

    assert titles == ["payments%3A failed", "🆕 HIGH B602", "HIGH B601"]


def test_the_summary_counts_and_marks_what_is_new():
    text = github.summary(compared({**FINDING, "rule": "B601"}, FINDING, known=(0,)))

    assert "Since payments\\/earlier: 1 new, 1 known, 0 fixed" in text
    assert text.index("| 🆕 HIGH | B602") < text.index("| HIGH | B601")
    assert "new" not in github.summary(evaluated(FINDING))


def test_a_text_that_is_escaped_already_is_escaped_again(capsys):
    """The runner turns %0A into a line break, and %25 into a percent sign."""
    finding = {**FINDING, "message": "50%0A::error::x, y", "file": "a,b:c%2C.py", "line": None}

    assert annotations(evaluated(finding), capsys)[1] == (
        "error", {"title": "HIGH B602", "file": "a%2Cb%3Ac%252C.py"}, "50%250A::error::x, y",
    )  # fmt: skip


def test_ten_annotations_of_each_level_are_printed(capsys):
    many = [{**FINDING, "severity": severity} for severity in ("HIGH", "MEDIUM", "LOW")] * 30

    levels = [level for level, *_ in annotations(evaluated(*many), capsys)]

    assert {level: levels.count(level) for level in levels} == {
        "error": 10, "warning": 10, "notice": 10,
    }  # fmt: skip


def test_findings_of_a_cleared_version_are_notices(capsys):
    levels = {level for level, *_ in annotations(evaluated(FINDING, status="approved"), capsys)}

    assert levels == {"notice"}


@pytest.mark.parametrize("file", ["/etc/passwd", "../a", "//evil/a", "a\x1b[31m"])
def test_a_place_outside_of_the_upload_is_named_in_the_message(capsys, file):
    _, (_, properties, message) = annotations(evaluated({**FINDING, "file": file}), capsys)

    assert "file" not in properties
    assert message.startswith(FINDING["message"] + " (")


def test_files_not_analysed_are_annotated(capsys):
    entry = {"class": "unanalysed", "file": "b.py", "language": "", "reason": "long", "files": 1}

    assert annotations(evaluated(unanalysed=1, unseen=(entry,)), capsys)[1] == (
        "warning", {"title": "Not analysed", "file": "b.py"}, "long",
    )  # fmt: skip


def test_a_scan_that_failed_to_run_is_one_error(capsys):
    [(level, _, message)] = annotations(failed_to_run(), capsys)

    assert (level, message) == ("error", "payments: the scan failed to run")


@given(st.lists(any_finding, max_size=5), texts)
def test_no_text_becomes_a_command(some, text):
    entry = {"class": "unanalysed", "file": text, "language": text, "reason": text, "files": 1}
    result = evaluated(*some, unanalysed=1, unseen=(entry,))
    object.__setattr__(result, "sentence", text)

    rows = [row for _, row in github._annotations(result)]

    assert len(rows) == len(some) + 2
    for row in rows:
        assert len(row.splitlines()) == 1
        parsed(row)


def test_what_windows_cannot_print_is_replaced(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", stream)

    github.annotate(evaluated({**FINDING, "message": "密码 ü"}), to_stderr=False)

    assert stream.buffer.getvalue().decode("cp1252").endswith("::?? ü\n")


def test_the_summary_is_appended_to_that_of_the_step(step_summary):
    step_summary.write_text("# Before\n")

    github.summarize(evaluated(FINDING, omitted=7))

    text = step_summary.read_text()
    assert text.startswith("# Before\n## ❌ payments: failed\n\n")
    assert "| ❌ | HIGH findings | 1 | limit 0 |" in text
    assert "| HIGH | B602 | src\\/a b\\.py\\:3 | subprocess call with shell\\=True" in text
    assert "7 more findings" in text


@pytest.mark.parametrize(("before", "written"), [(1024 * 1024 - 5000, True), (1024**2 - 9, False)])
def test_the_summary_of_a_step_never_exceeds_its_limit(step_summary, capsys, before, written):
    step_summary.write_bytes(b"x" * before)

    github.summarize(evaluated(FINDING))

    assert (step_summary.stat().st_size > before) == written
    assert ("is full" in capsys.readouterr().err) != written


def test_without_a_summary_of_a_step_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    github.summarize(evaluated(FINDING))

    assert capsys.readouterr() == ("", "")


def test_a_summary_that_cannot_be_written_is_a_warning(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "absent" / "summary.md"))

    github.summarize(evaluated(FINDING))

    assert "cannot be written" in capsys.readouterr().err


@given(st.lists(any_finding, max_size=3), texts)
def test_texts_in_the_summary_are_neither_markup_nor_html(some, text):
    result = evaluated(*some)
    object.__setattr__(result, "sentence", text)

    rows = github.summary(result).split("\n")

    tables = [row for row in rows if row.startswith("|")]
    own = re.sub(r"\\[!-/:-@\[-`{-~]", "", "\n".join(rows))
    assert len(tables) == 4 + (2 + len(some) if some else 0)
    # Apart from escaped characters, only headings, tables and their cells are left.
    assert not re.search(r"[<>&\[\]()*_`~!@\\]", own), own
    assert all(re.sub(r"\\.", "", row).count("|") == 5 for row in tables)


@pytest.mark.parametrize("order", ORDERS)
def test_orders_to_build_servers_are_harmless_in_all_output(order):
    from ops.output import cell

    for text in (order, f"  {order.strip()}", f"a {order}"):
        row = str(cell(text))
        assert "##[" not in row
        assert "##vso[" not in row
        assert not row.strip().startswith("::")
