"""Whole scans with the SARIF engine."""

import shlex
import sys

import pytest

from scan.__main__ import main
from tests.scan.scanning import Scanned, scanned
from tests.scan.uploads import BAD, GOOD, zipped

# A tool that copies a SARIF of its own making, and says what it was given.
TOOL = """
import os, sys
print(sorted(os.environ))
print(os.getcwd(), sys.argv[1])
if sys.argv[3]:
    open(sys.argv[2], "w").write(sys.argv[3])
sys.exit(int(sys.argv[4]))
"""
EMPTY = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Tool"}}, "results": []}]}'


def with_tool(body: bytes, sarif: str = EMPTY, code: int = 0, **environment: str) -> Scanned:
    words = [sys.executable, "-c", TOOL, "{source}", "{sarif}", sarif, str(code)]
    return scanned(body, SARIF_COMMAND=shlex.join(words), **environment)


def test_good_code_passes():
    done = scanned(zipped(GOOD))

    assert done.code == 0
    assert done.report["gate"]["status"] == "passed"
    assert done.report["engine"]["name"] == "Bandit"
    assert done.report["analysed"] == {"files": 1, "lines": 2}
    assert done.report["error"] is None


def test_bad_code_fails_and_the_report_says_why():
    done = scanned(zipped(BAD))

    assert done.code == 0
    assert done.report["gate"] == {
        "status": "failed",
        "judge": "limits",
        "conditions": [
            {
                "metric": "BLOCKER",
                "comparator": ">",
                "threshold": "0",
                "actual": "0",
                "status": "ok",
            },
            {
                "metric": "HIGH",
                "comparator": ">",
                "threshold": "0",
                "actual": "1",
                "status": "error",
            },
        ],
    }
    worst = done.report["findings"][0]
    assert (worst["rule"], worst["severity"]) == ("B602", "HIGH")
    assert (worst["file"], worst["line"]) == ("shop/archive.py", 5)
    assert worst["link"].startswith("https://")
    assert done.report["upload"]["size"] == len(zipped(BAD))


def test_the_log_says_what_goes_on():
    done = scanned(zipped(BAD))

    assert done.log.splitlines() == [
        "Fetched payments/api.zip, 1 file",
        "Scanning with bandit",
        "Gate failed, judged by limits; HIGH 1 > 0",
    ]


def test_code_cannot_hide_itself_from_bandit():
    """By a settings file, a comment, or the name of a folder that Bandit leaves out."""
    hidden = {
        ".bandit": "[bandit]\nexclude: /\nskips: B602\n",
        ".tox/CVS/archive.py": BAD["shop/archive.py"].replace("True)", "True)  # nosec"),
    }
    done = scanned(zipped({**GOOD, **hidden}))

    assert done.report["gate"]["status"] == "failed"
    assert [(each["file"], each["weakens"]) for each in done.report["ignored"]] == [
        (".bandit", True)
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "# Shop\n"},
        {"picture.png": b"\x89PNG\0\0"},
    ],
    ids=["no code", "no text"],
)
def test_a_zip_in_which_nothing_was_analysed_is_broken(files):
    done = scanned(zipped(files))

    assert done.code == 1
    assert done.error == "NothingAnalysed"
    assert done.report["gate"] is None
    assert done.report["engine"]["name"] == "Bandit"


def test_a_zip_with_a_file_that_the_scanner_cannot_read_is_broken():
    done = scanned(zipped({"shop/python2.py": "print 'hello'\n", "shop/shop.py": "x = 1\n"}))

    assert (done.code, done.error) == (1, "NotAllAnalysed")
    assert "shop/python2.py" in done.report["error"]["message"]


def test_a_silent_tool_has_analysed_nothing_where_there_is_no_text():
    assert with_tool(zipped({"a.bin": b"\0"})).error == "NothingAnalysed"
    assert with_tool(zipped(GOOD)).report["analysed"]["files"] is None


def test_limits_that_judge_nothing_let_nothing_pass():
    done = scanned(zipped(BAD), LIMITS='{"HIGH": null}')

    assert done.error == "NothingJudged"


@pytest.mark.parametrize(
    ("most", "status"), [("0", "failed"), ("1", "passed"), ("2", "passed"), ("null", "passed")]
)
def test_a_limit_is_the_most_that_passes(most, status):
    done = scanned(zipped(BAD), LIMITS=f'{{"BLOCKER": 0, "HIGH": {most}}}')

    assert done.report["gate"]["status"] == status


def test_the_sarif_decides_and_not_the_exit_code():
    assert with_tool(zipped(GOOD), code=2).report["gate"]["status"] == "passed"


@pytest.mark.parametrize(
    ("sarif", "error"), [("", "NoSarif"), ("{", "BrokenSarif"), ('{"runs": 1}', "BrokenSarif")]
)
def test_a_tool_without_sarif_is_a_broken_scan(sarif, error):
    done = with_tool(zipped(GOOD), sarif=sarif, code=1)

    assert (done.code, done.error) == (1, error)


@pytest.mark.parametrize("command", ["no-such-tool {source}", "/etc/passwd", "'unclosed"])
def test_a_tool_that_cannot_run_is_a_broken_scan(command):
    assert scanned(zipped(GOOD), SARIF_COMMAND=command).error == "ScannerNotFound"


def test_the_tool_knows_neither_role_nor_token():
    done = with_tool(zipped(GOOD), SONAR_TOKEN="squ_secret", AWS_SESSION_TOKEN="session")

    known = done.log.splitlines()[2]
    assert "AWS" not in known
    assert "TOKEN" not in known
    assert "PATH" in known


def test_the_tool_does_not_run_in_the_upload():
    folder, source = with_tool(zipped(GOOD)).log.splitlines()[3].split()

    assert not folder.startswith(source)


def test_the_token_is_masked_wherever_it_appears():
    done = with_tool(zipped(GOOD), SONAR_TOKEN=GOOD["shop/prices.py"][4:9], sarif='"total"')

    assert "total" not in done.log
    assert done.error == "BrokenSarif"


def test_a_log_line_cannot_forge_others_or_steer_a_terminal(capsys):
    done = scanned(zipped(GOOD), UPLOAD_KEY="no\n\x1b[2Jsuch.zip")

    assert done.error == "UploadGone"
    assert "\x1b" not in done.log + capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"UPLOAD_KEY": "other.zip"}, "UploadGone"),
        ({"UPLOAD_VERSION": "null"}, "UploadGone"),
        ({"UPLOAD_LIMITS": '{"bytes": 100}'}, "UploadTooLarge"),
        ({"UPLOAD_LIMITS": '{"files": 0}'}, "TooManyFiles"),
        ({"UPLOAD_BUCKET": "elsewhere"}, "Unexpected"),
    ],
)
def test_an_upload_that_cannot_be_had_is_a_broken_scan(change, error):
    done = scanned(zipped(GOOD), **change)

    assert (done.code, done.error) == (1, error)
    assert done.report["engine"] is None


@pytest.mark.parametrize("name", ["SCAN", "UPLOAD_VERSION", "LIMITS", "UPLOAD_LIMITS"])
def test_an_environment_that_cannot_be_understood_says_so(name, monkeypatch, capsys):
    for each in ("SCAN", "APP", "UPLOAD_BUCKET", "UPLOAD_KEY", "UPLOAD_VERSION"):
        monkeypatch.setenv(each, "a")
    monkeypatch.setenv("ARTIFACTS_BUCKET", "a")
    monkeypatch.setenv("ENGINE", "sarif")
    if name.endswith("LIMITS"):
        monkeypatch.setenv(name, '{"no JSON')
    else:
        monkeypatch.delenv(name)

    assert main() == 1
    assert "pulumi up" in capsys.readouterr().out
