"""A scanner runs as a process of its own, and what it says is safe to show."""

import subprocess
import sys

from scan.log import Log
from scan.process import run

TOKEN = "squ_secret"


def ran(tmp_path, code: str, standard_input: str = "") -> tuple[int, list[str], str]:
    """Run Python ``code``; returns its exit code, the end of its output, and the log."""
    with Log(tmp_path / "log", secrets=[TOKEN]) as log:
        ended = run(
            [sys.executable, "-c", code],
            folder=tmp_path,
            log=log,
            standard_input=standard_input,
        )
    return *ended, (tmp_path / "log").read_text()


def test_its_output_is_the_log_and_its_end_is_handed_on(tmp_path):
    code, tail, log = ran(tmp_path, "print(*range(30), sep='\\n'); exit(3)")

    assert code == 3
    assert log.split() == [str(number) for number in range(30)]
    assert tail == log.split()[-20:]


def test_a_secret_is_masked_in_the_log_and_in_what_is_handed_on(tmp_path):
    _, tail, log = ran(tmp_path, f"print('ERROR 401 for {TOKEN}')")

    assert tail == ["ERROR 401 for ***"]
    assert log == "ERROR 401 for ***\n"


def test_a_scanner_that_ends_before_it_has_read_its_input_is_heard(tmp_path):
    large = "x" * 1_000_000  # more than a pipe holds

    code, tail, _ = ran(tmp_path, "print('ERROR no room'); exit(1)", large)

    assert (code, tail) == (1, ["ERROR no room"])


def test_what_a_scanner_reads_is_what_it_was_given(tmp_path):
    _, tail, _ = ran(tmp_path, "print(input())", "as told\n")

    assert tail == ["as told"]


def test_a_line_is_cut_before_cloudwatch_would(tmp_path):
    _, tail, log = ran(tmp_path, "print('x' * 10_000)")

    assert tail == ["x" * 4000]
    assert log == "x" * 4000 + "\n"


def test_git_finds_no_repository_in_an_upload(tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)

    with Log(tmp_path / "log") as log:
        code, tail = run(["git", "status"], folder=tmp_path, log=log)

    assert code
    assert "not a git repository" in tail[0]
