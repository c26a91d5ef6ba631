"""A scanner runs in its own process, and its output is safe to show."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scan import exhausted
from scan.errors import ScanError
from scan.log import Log
from scan.process import died, last_words, run
from scan.process import ended as ended_as

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


def test_output_is_logged_and_its_end_is_returned(tmp_path):
    code, tail, log = ran(tmp_path, "print(*range(30), sep='\\n'); exit(3)")

    assert code == 3
    assert log.split() == [str(number) for number in range(30)]
    assert tail == log.split()[-20:]


def test_a_secret_is_masked_in_the_log_and_in_the_returned_output(tmp_path):
    _, tail, log = ran(tmp_path, f"print('ERROR 401 for {TOKEN}')")

    assert tail == ["ERROR 401 for ***"]
    assert log == "ERROR 401 for ***\n"


def test_a_line_callback_gets_each_line_as_logged(tmp_path):
    lines: list[str] = []
    with Log(tmp_path / "log", secrets=[TOKEN]) as log:
        run(
            [sys.executable, "-c", f"print('one'); print('two {TOKEN}')"],
            folder=tmp_path,
            log=log,
            on_line=lines.append,
        )

    assert lines == ["one", "two ***"]


def test_a_scanner_gets_the_proxy_and_no_credentials(tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "NO_PROXY", "SONAR_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, name.lower())
    _, _, log = ran(tmp_path, "import os; print(*os.environ.values())")

    assert {"https_proxy", "no_proxy"} < set(log.split())
    assert "sonar_token" not in log
    assert "secret" not in log


def test_a_scanner_may_end_before_it_has_read_its_input(tmp_path):
    large = "x" * 1_000_000  # more than a pipe's buffer

    code, tail, _ = ran(tmp_path, "print('ERROR no room'); exit(1)", large)

    assert (code, tail) == (1, ["ERROR no room"])


def test_a_scanner_reads_its_whole_input(tmp_path):
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


NODE = "a = []; for (;;) a.push(new Array(1e5).fill(1.5))"
JAVA = """
import java.util.*;
public class Main { public static void main(String[] words) {
    List<long[]> all = new ArrayList<>();
    while (true) all.add(new long[100000]);
} }
"""


def ended(tmp_path, *command: str) -> tuple[int, list[str]]:
    with Log(tmp_path / "log") as log:
        return run(command, folder=tmp_path, log=log)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit(137)", "sys.exit(-9)"])
def test_a_scanner_that_was_killed_ran_out_of_memory(tmp_path, end):
    """Run directly, by a shell, and by Python."""
    with pytest.raises(ScanError, match="was killed") as caught:
        ended(tmp_path, sys.executable, "-c", f"import os, sys; print('half way'); {end}")

    assert caught.value.code == "OutOfMemory"
    assert "computeType" in caught.value.remediation


def test_a_scanner_whose_helper_the_kernel_killed_ran_out_of_memory(tmp_path, monkeypatch):
    """For example SonarJS's Node: the scanner itself may continue and exit with 0."""
    counts = iter([4, 5])
    monkeypatch.setattr(exhausted, "kernel_kills", lambda: next(counts))

    with pytest.raises(ScanError, match="killed a process of the scanner") as caught:
        ended(tmp_path, "true")

    assert caught.value.code == "OutOfMemory"


def test_earlier_oom_kills_do_not_explain_a_scanner_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(exhausted, "kernel_kills", lambda: 4)

    assert ended(tmp_path, "true") == (0, [])


def test_a_scanner_that_leaves_the_disk_full_failed_for_lack_of_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(exhausted, "LEAST_DISK", 2**60)

    with pytest.raises(ScanError) as caught:
        ended(tmp_path, "true")

    assert caught.value.code == "DiskFull"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("sh", ["sh", "-c", f"ulimit -v 300000; exec {sys.executable} -c 'b\"x\" * 10**9'"]),
        ("node", ["node", "--max-old-space-size=20", "-e", NODE]),
        ("java", ["java", "-Xmx64m", "Main.java"]),
    ],
)
def test_a_real_process_without_memory_is_distinguished_from_one_that_fails(
    tmp_path, tool, command
):
    if not shutil.which(tool):
        pytest.skip(f"no {tool} here")
    (tmp_path / "Main.java").write_text(JAVA)

    code, tail = ended(tmp_path, *command)

    assert code
    assert died(tool, code, tail).code == "OutOfMemory"


def test_a_scanner_that_cannot_write_says_that_the_disk_is_full(tmp_path):
    code, tail = ended(tmp_path, sys.executable, "-c", "open('/dev/full', 'w', 1).write('x\\n')")

    assert died("Tool", code, tail).code == "DiskFull"


def test_the_explaining_message_is_found_however_much_output_follows(tmp_path):
    expected = ["ERROR java.lang.OutOfMemoryError: Java heap space", *map(str, range(30))]

    _, tail = ended(tmp_path, "printf", "%s\n", *expected)

    assert tail == [expected[0], *expected[-20:]]
    assert died("Tool", 1, tail).code == "OutOfMemory"


def test_messages_alone_fail_no_scan(tmp_path):
    """Bandit exits with 1 if it has findings."""
    code, tail = ended(tmp_path, "sh", "-c", "echo 'MemoryError: in a comment'; exit 1")

    assert (code, tail) == (1, ["MemoryError: in a comment"])


def test_a_machine_that_can_start_no_process_blames_no_setting(tmp_path, monkeypatch):
    def popen(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", popen)

    with pytest.raises(ScanError) as caught:
        ended(tmp_path, "true")

    assert caught.value.code == "OutOfMemory"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "print('no', flush=True); os.kill(os.getpid(), 11)",
            "Tool was ended by SIGSEGV (exit status -11) and left no result: no",
        ),
        (
            "os.abort()",
            "Tool was ended by SIGABRT (exit status -6) and left no result, without a word.",
        ),
        (
            "sys.exit(139)",
            "Tool was ended by SIGSEGV (exit status 139) and left no result, without a word.",
        ),
        (
            "sys.exit(-11)",
            "Tool was ended by SIGSEGV (exit status 245) and left no result, without a word.",
        ),
        (
            "sys.exit(255)",
            "Tool ended with exit status 255 and left no result, without a word.",
        ),
        ("sys.exit(3)", "Tool ended with exit status 3 and left no result, without a word."),
        ("", "Tool ended with exit status 0 and left no result, without a word."),
        (
            "print('\\ud800')",
            "Tool ended with exit status 1 and left no result: UnicodeEncodeError: 'utf-8' codec "
            "can't encode character '\\ud800' in position 0: surrogates not allowed",
        ),
    ],
)
def test_a_crashed_scanner_is_reported_with_its_own_message(tmp_path, script, message):
    code, tail = ended(tmp_path, sys.executable, "-c", f"import os, sys; {script}")

    malformed = died("Tool", code, tail)

    assert (malformed.code, malformed.message) == ("ScannerFailed", message)
    assert "setting" not in malformed.remediation


def test_a_signal_without_a_name_is_a_number():
    assert died("Tool", -63, []).message.startswith("Tool was ended by signal 63 (exit")


def test_an_engine_may_say_how_it_ended():
    assert ended_as("Tool", 1, ["no"], "wrote no SARIF") == (
        "Tool ended with exit status 1 and wrote no SARIF: no"
    )


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (
            [
                "INFO Load project settings",
                "ERROR Failure during analysis",
                "ERROR java.lang.IllegalStateException: gone",
                "\tat org.sonar.A.b(A.java:1)",
                "INFO EXECUTION FAILURE",
                "INFO Total time: 3.4 s",
            ],
            "Failure during analysis",
        ),
        (
            [
                "[main]\tERROR\tNo such profile",
                "Traceback (most recent call last):",
                "SystemExit: 2",
            ],
            "SystemExit: 2",
        ),
        (
            ["usage: tool [-h]", "tool: error: unknown argument", ""],
            "tool: error: unknown argument",
        ),
        (["Exception in Main:", "  at a", "... 12 more"], "Exception in Main:"),
        (["x" * 4000], "x" * 300),
        (["", "  "], ""),
    ],
    ids=["SonarQube", "Bandit", "usage", "frames", "long", "blank"],
)
def test_the_last_explaining_lines_are_reported(expected, words):
    assert last_words(expected) == words


def test_a_scanner_reads_names_of_files_as_utf_8_and_writes_beside_its_work(tmp_path, monkeypatch):
    """CodeBuild's arm64 image sets no language; another machine may set any."""
    for name in ("LANG", "LC_ALL", "PYTHONUTF8"):
        monkeypatch.setenv(name, "POSIX")
    monkeypatch.setenv("TMPDIR", "/elsewhere")

    _, tail = ended(tmp_path, "sh", "-c", 'echo "$LANG $LC_ALL $PYTHONUTF8"; mktemp')

    assert tail[0] == "C.UTF-8 C.UTF-8 1"
    assert Path(tail[1]).parent == tmp_path / "tmp"


@pytest.mark.slow
def test_java_opens_files_whose_names_are_not_ascii(tmp_path, monkeypatch):
    if not shutil.which("java"):
        pytest.skip("no java here")
    monkeypatch.setenv("LC_ALL", "POSIX")
    (tmp_path / "価格.py").touch()
    looks = 'System.out.println(new java.io.File("\\u4fa1\\u683c.py").exists());'
    (tmp_path / "Main.java").write_text(
        f"public class Main {{ public static void main(String[] words) {{ {looks} }} }}"
    )

    assert ended(tmp_path, "java", "Main.java") == (0, ["true"])


# SonarSource's scanner runs its engine with this, and exits with the same code.
PYSONAR = """
import logging, sys
from pysonar_scanner.scannerengine import CmdExecutor
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
sys.exit(CmdExecutor(sys.argv[1:], "").execute())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [["node", "--max-old-space-size=20", "-e", NODE], ["java", "-Xmx64m", "Main.java"]],
    ids=["node", "java"],
)
def test_sonarsource_s_scanner_hands_on_that_its_engine_has_no_memory(tmp_path, command):
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here")
    (tmp_path / "Main.java").write_text(JAVA)

    code, tail = ended(tmp_path, sys.executable, "-c", PYSONAR, *command)

    assert code
    assert died("Tool", code, tail).code == "OutOfMemory"


def test_sonarsource_s_scanner_hands_on_that_its_engine_was_killed(tmp_path):
    with pytest.raises(ScanError, match="247") as caught:
        ended(tmp_path, sys.executable, "-c", PYSONAR, "sh", "-c", "read nothing; kill -9 $$")

    assert caught.value.code == "OutOfMemory"
