"""Which files SonarQube analysed, by its scanner's report and log."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.errors import ScanError
from scan.sonarqube import languages, scanner_report
from scan.sonarqube.exclusions import rules
from scan.sonarqube.scanner_report import ScannedFile
from scan.sonarqube.seen import note, seen
from tests.scan.recorded import Answers
from tests.scan.scanning import tree
from tests.sonarqube.trees import BAD

KNOWN = ("py", "java", "js", "php", "json", "cs")


def file(language: str, lines: int | None, *, is_test: bool = False) -> ScannedFile:
    return ScannedFile(language=language, is_test=is_test, lines=lines)


def opened(tmp_path, uploaded, files, problems=(), upload=None):
    source = tree(uploaded, tmp_path / "source")
    named = [problem.replace("SOURCE", str(source)) for problem in problems]
    return seen(source, files, known=KNOWN, problems=named, rules=rules({}, upload or {}))


def test_the_report_of_a_real_scanner_says_which_files_it_analysed(tmp_path):
    files = scanner_report.read(tree(Answers("bad").report(), tmp_path))

    assert files.keys() == BAD.keys()
    assert {item.language for item in files.values()} == {"py", "java", "js"}
    assert files["web/page.js"].lines == 8
    assert not any(item.is_test for item in files.values())


@given(st.data())
def test_a_damaged_report_is_read_or_fails_the_scan(tmp_path_factory, data):
    report = Answers("bad").report()
    name = data.draw(st.sampled_from(sorted(report)))
    cut = data.draw(st.integers(0, len(report[name])))
    report[name] = report[name][:cut] + data.draw(st.binary(max_size=8))

    with suppress(ScanError):
        files = scanner_report.read(tree(report, tmp_path_factory.mktemp("report")))
        assert all(item.lines is None or item.lines >= 0 for item in files.values())


def test_without_a_report_the_scan_fails_to_run(tmp_path):
    with pytest.raises(ScanError, match="cannot be read"):
        scanner_report.read(tmp_path)


def test_only_a_file_with_lines_of_code_is_analysed(tmp_path):
    uploaded = {"a.py": "a = 1\n", "b.py": "b = 1\n", "C.java": "class C {}\n", "d.py": "# d\n"}
    files = {
        "a.py": file("py", 1),
        "b.py": file("py", None),
        "C.java": file("java", 0),
        "d.py": file("py", 0),
    }

    looked_at = opened(tmp_path, uploaded, files)

    assert looked_at.analysed == {"a.py", "d.py"}
    assert looked_at.unread.keys() == {"b.py", "C.java"}


def test_a_page_in_a_file_for_php_holds_no_code(tmp_path):
    uploaded = {"page.php": "<p>Prices</p>\n", "code.php": "<p><?= 1 ?></p>\n"}
    files = dict.fromkeys(uploaded, file("php", 0))

    assert opened(tmp_path, uploaded, files).analysed == {"page.php"}


@pytest.mark.parametrize(
    ("line", "path", "reason"),
    [
        ("ERROR Unable to parse file: a.py", "a.py", "could not parse"),
        ("ERROR Unable to parse source file : 'b/C.java'", "b/C.java", "could not parse"),
        ("WARNING Failed to parse file [d.js] at line 1: x (1:2)", "d.js", "could not parse"),
        ("WARNING Unable to parse file: a.py. a.py:3:1: x", "a.py", "could not parse"),
        ("WARNING Unable to parse file [file://SOURCE/e f.php] at line 2", "e f.php", "not parse"),
        ("WARNING Cannot parse 'b/C.java:1:1'", "b/C.java", "could not parse"),
        (
            "WARNING File 'SOURCE/a.py' is bigger than 20MB and as consequence is removed",
            "a.py",
            "over 20 MB",
        ),
        (
            "ERROR Unable to run check class org.X - S1 on file 'b/C.java', To help",
            "b/C.java",
            "scanner says: Unable to run check class org.X",
        ),
        ("INFO Unable to parse file: a.py", None, ""),
        ("WARNING Invalid character encountered in file a.py at line 3", None, ""),
        ("ERROR Unable to parse file: other.py", None, ""),
    ],
)
def test_a_file_with_an_error_in_the_log_is_unanalysed_whatever_the_report_says(
    line, path, reason, tmp_path
):
    uploaded = {"a.py": "a = 1\n", "b/C.java": "class C {}\n", "d.js": "d()\n", "e f.php": "<?php"}
    problems: list[str] = []
    note(problems, line.replace("SOURCE", str(tmp_path / "source")))
    files = {
        "a.py": file("py", 1),
        "b/C.java": file("java", 1),
        "d.js": file("js", 1),
        "e f.php": file("php", 1),
    }

    unread = opened(tmp_path, uploaded, files, problems).unread

    assert unread.keys() == ({path} if path else set())
    assert reason in unread.get(path, "")


def test_a_file_without_code_need_not_be_parsed(tmp_path):
    problem = ["WARNING Unable to parse file: a.py. a.py:1:6: expected x, found 'EOF'"]

    looked_at = opened(tmp_path, {"a.py": "# Nothing.\n"}, {"a.py": file("py", None)}, problem)

    assert (looked_at.analysed, looked_at.unread) == ({"a.py"}, {})


def test_invalid_data_is_not_unanalysed_code(tmp_path):
    looked_at = opened(
        tmp_path,
        {"a.json": "{"},
        {"a.json": file("json", None)},
        ["ERROR Unable to parse file: a.json"],
    )

    assert looked_at.unread == {}


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("a.min.js", "a();\n", "minified"),
        ("a-min.js", "a();\n", "minified"),
        ("a.js", "a" * 500 + "();\n", "minified"),
        ("a.js", "a();\n", "counted no line"),
    ],
)
def test_javascript_that_is_taken_for_minified_says_so(path, text, reason, tmp_path):
    assert reason in opened(tmp_path, {path: text}, {path: file("js", None)}).unread[path]


def test_scripts_in_kotlin_say_why_they_are_not_analysed(tmp_path):
    text = "println(1)\n"
    unread = opened(tmp_path, {"a.kts": text}, {"a.kts": file("kotlin", None)}).unread

    assert "Gradle" in unread["a.kts"]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[str]:
    """The path of a file 1,500 folders below ``source``."""
    (tmp_path / "source").mkdir()
    descriptor = os.open(tmp_path / "source", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("b.py", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor))
    os.close(descriptor)
    yield "d/" * 1500 + "b.py"
    # pytest itself cannot remove these.
    subprocess.run(["rm", "-rf", tmp_path / "source"], check=True)


def test_files_in_folders_of_any_depth_are_looked_at(deep, tmp_path):
    left_out = rules({}, {"sonar.exclusions": "d/**"})
    looked_at = seen(tmp_path / "source", {}, known=KNOWN, problems=(), rules=left_out)

    assert looked_at.excluded.keys() == {deep}


def test_c_sharp_needs_another_scanner(tmp_path):
    unread = opened(tmp_path, {"A.cs": "class A {}\n"}, {"A.cs": file("cs", None)}).unread

    assert "C#" in unread["A.cs"]


def test_a_file_counts_as_excluded_only_if_the_scanner_did_not_read_it(tmp_path):
    uploaded = dict.fromkeys(("src/a.py", "web/b.py", "tests/c.py"), "a = 1\n")
    files = {"src/a.py": file("py", 1), "tests/c.py": file("py", None, is_test=True)}

    looked_at = opened(tmp_path, uploaded, files, upload={"sonar.exclusions": "web/**,src/**"})

    assert looked_at.analysed == {"src/a.py"}
    assert looked_at.excluded.keys() == {"web/b.py", "tests/c.py"}
    assert "tests" in looked_at.excluded["tests/c.py"]


def test_languages_of_the_server_are_known_by_the_tags_of_this_system():
    known = languages.tags(["py", "js", "ts", "cs", "json", "css", "elixir", ""])

    assert known >= {"python", "javascript", "jsx", "vue", "ts", "tsx", "c#", "elixir"}
    assert not known & {"json", "css", "text", "", "py"}


def test_the_recorded_server_knows_nine_languages_of_which_none_is_data():
    answer = next(item for item in Answers("good").left if item["path"] == "api/languages/list")
    keys = [language["key"] for language in json.loads(answer["body"])["languages"]]

    assert languages.tags(keys) >= {
        "python",
        "java",
        "javascript",
        "ts",
        "go",
        "php",
        "ruby",
        "kotlin",
        "scala",
    }
    assert not languages.tags(keys) & {"json", "yaml", "xml", "css", "text"}
