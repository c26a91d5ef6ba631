"""Whole scans with the SARIF engine."""

import json
import re
import shlex
import sys
from typing import Any

import pytest

from scan.__main__ import main
from tests.scan.scanning import Scanned, custom, scanned
from tests.scan.uploads import BAD, GOOD, zipped

# A tool that writes a given SARIF, and prints what it was run with.
TOOL = """
import os, sys
print(sorted(os.environ))
print(os.getcwd(), sys.argv[1])
if sys.argv[3]:
    open(sys.argv[2], "w").write(sys.argv[3])
sys.exit(int(sys.argv[4]))
"""


def of_results(*results: Any) -> str:
    run = {"tool": {"driver": {"name": "Tool"}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]})


def with_tool(body: bytes, sarif: str = of_results(), code: int = 0, **environment: str) -> Scanned:
    words = [sys.executable, "-c", TOOL, "{source}", "{sarif}", sarif, str(code)]
    return scanned(body, **custom(shlex.join(words)), **environment)


def test_good_code_passes():
    done = scanned(zipped(GOOD))

    assert done.code == 0
    assert done.report["gate"]["status"] == "passed"
    assert done.report["engine"]["name"] == "Bandit"
    assert done.report["coverage"] == {
        "counts": {"analysed": 1, "unanalysed": 0, "opaque": 0, "otherLanguage": 0, "noCode": 0},
        "lines": 2,
        "reported": True,
        "otherLanguages": {},
        "files": [],
    }
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
            {
                "metric": "unanalysed_files",
                "comparator": ">",
                "threshold": "0",
                "actual": "0",
                "status": "ok",
            },
        ],
    }
    worst = done.report["findings"][0]
    assert (worst["rule"], worst["severity"]) == ("B602", "HIGH")
    assert (worst["file"], worst["line"]) == ("shop/archive.py", 5)
    assert worst["link"].startswith("https://")
    assert done.report["upload"]["size"] == len(zipped(BAD))


CLAIMED = {
    "uploader": "ada@example.com",
    "commit": "1A2B3C4",
    "branch": "gr%C3%BCn",
    "pull-request": "#17",
    "repository": "http://github.com/acme/payments",
}


@pytest.mark.parametrize(
    ("body", "limits", "error"),
    [
        (zipped(BAD), {}, None),
        (zipped(BAD), {"UPLOAD_LIMITS": '{"bytes": 3}'}, "UploadTooLarge"),
        (b"no zip", {}, "NotAZip"),
    ],
    ids=["evaluated", "not downloaded", "not unpacked"],
)
def test_the_report_says_where_the_upload_claims_to_come_from(body, limits, error):
    done = scanned(body, metadata=json.dumps(CLAIMED), **limits)

    assert done.error == error
    assert done.report["upload"]["uploader"] == "ada@example.com"
    assert done.report["upload"]["origin"] == {
        "commit": "1a2b3c4",
        "branch": "grün",
        "pullRequest": "17",
    }


def test_a_report_of_an_upload_that_claims_nothing_has_no_origin():
    assert "origin" not in scanned(zipped(GOOD)).report["upload"]


def test_the_log_says_what_goes_on():
    done = scanned(zipped(BAD))

    assert done.log.splitlines() == [
        "Fetched payments/api.zip, 1 file",
        "Scanning with Bandit",
        "Gate failed, evaluated by limits; HIGH 1 > 0",
    ]


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_code_cannot_hide_itself_from_bandit(allowed):
    """By a settings file, a comment, or the name of a folder that Bandit excludes."""
    hidden = {
        ".bandit": "[bandit]\nexclude: /\nskips: B602\n",
        ".tox/CVS/archive.py": BAD["shop/archive.py"].replace("True)", "True)  # nosec"),
    }
    done = scanned(zipped({**GOOD, **hidden}), ALLOW_EXCLUSIONS=allowed)

    assert done.report["gate"]["status"] == "failed"
    assert [(setting["file"], setting["weakens"]) for setting in done.report["ignored"]] == [
        (".bandit", True)
    ]


@pytest.mark.parametrize(("allowed", "number"), [("true", 0), ("false", 1)])
def test_what_the_code_excludes_is_left_out_only_where_that_is_allowed(allowed, number):
    excluded = {"ruleId": "R1", "suppressions": [{"kind": "inSource"}]}
    files = zipped({**GOOD, ".ignore": "docs\n"})

    done = with_tool(files, sarif=of_results(excluded), ALLOW_EXCLUSIONS=allowed)

    assert (len(done.report["findings"]), len(done.report["ignored"])) == (number, number)


def test_a_settings_file_that_is_code_fails_the_gate_and_is_named():
    done = with_tool(zipped({**GOOD, "eslint.config.js": "eval(1)\n"}))

    assert done.report["gate"]["status"] == "failed"
    assert [setting["file"] for setting in done.report["ignored"]] == ["eslint.config.js"]
    assert [(file["class"], file["file"]) for file in done.report["coverage"]["files"]] == [
        ("unanalysed", "eslint.config.js")
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "# Shop\n"},
        {"picture.png": b"\x89PNG\0\0"},
    ],
    ids=["no code", "no text"],
)
def test_a_zip_in_which_nothing_was_analysed_is_an_error(files):
    done = scanned(zipped(files))

    assert done.code == 1
    assert done.error == "NothingAnalysed"
    assert done.report["gate"] is None
    assert done.report["engine"]["name"] == "Bandit"


@pytest.mark.parametrize("beside", [GOOD, {}], ids=["beside a good one", "alone"])
def test_a_file_that_the_scanner_cannot_read_fails_the_gate_and_is_named(beside):
    done = scanned(zipped({**beside, "shop/python2.py": "print 'hello'\n"}))

    assert (done.code, done.report["gate"]["status"]) == (0, "failed")
    assert done.report["coverage"]["files"] == [
        {
            "class": "unanalysed",
            "file": "shop/python2.py",
            "language": "Python",
            "reason": "syntax error while parsing AST from file",
            "files": 1,
        }
    ]


def test_a_silent_tool_has_analysed_nothing_where_there_is_no_text():
    assert with_tool(zipped({"a.bin": b"\0"})).error == "NothingAnalysed"
    assert with_tool(zipped(GOOD)).report["coverage"]["reported"] is False


def test_limits_without_any_condition_are_an_error():
    done = scanned(zipped(BAD), LIMITS='{"HIGH": null}')

    assert done.error == "NothingEvaluated"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "status"), [("0", "failed"), ("1", "passed"), ("2", "passed"), ("null", "passed")]
)
def test_a_limit_is_the_maximum_that_passes(most, status):
    done = scanned(zipped(BAD), LIMITS=f'{{"BLOCKER": 0, "HIGH": {most}}}')

    assert done.report["gate"]["status"] == status


@pytest.mark.slow
@pytest.mark.parametrize("code", [2, 130, 255])
def test_the_sarif_decides_and_not_the_exit_code(code):
    assert with_tool(zipped(GOOD), code=code).report["gate"]["status"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sarif", "error"), [("", "NoSarif"), ("{", "InvalidSarif"), ('{"runs": 1}', "InvalidSarif")]
)
def test_a_tool_without_sarif_is_a_scan_that_failed_to_run(sarif, error):
    done = with_tool(zipped(GOOD), sarif=sarif, code=1)

    assert (done.code, done.error) == (1, error)
    assert "exit status 1" in done.report["error"]["message"]
    # Its last output is where it ran and on what.
    assert re.search(": /tmp/[^:]*$", done.report["error"]["message"])
    assert (
        "customScanner" not in done.report["error"]["message"] + done.report["error"]["remediation"]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "error", "says"),
    [
        ("kill -SEGV $$", "ScannerFailed", "sh was ended by SIGSEGV (exit status -11)"),
        ("exit 139", "ScannerFailed", "sh was ended by SIGSEGV (exit status 139)"),
        ("kill -9 $$", "OutOfMemory", "The scan ran out of memory: the scanner was killed"),
        ("exit 137", "OutOfMemory", "The scan ran out of memory: the scanner was killed"),
    ],
    ids=["crash", "its shell says crash", "killed", "its shell says killed"],
)
def test_output_of_a_killed_tool_is_not_read(end, error, says):
    script = f"echo '{of_results()}' > {{sarif}}; echo allocating; {end}; : {{source}}"
    done = scanned(zipped(GOOD), **custom(shlex.join(["sh", "-c", script])))

    assert (done.code, done.error) == (1, error)
    assert done.report["error"]["message"].startswith(says)


def test_long_tool_output_is_cut_to_the_limits_of_the_schema():
    result = {"ruleId": "R1", "message": {"text": "x" * 1000}}
    done = with_tool(zipped(GOOD), sarif=of_results(*[result] * 30))

    assert {finding["message"] for finding in done.report["findings"]} == {"x" * 500}
    assert (len(done.report["findings"]), done.report["counts"]["MEDIUM"]) == (20, 30)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["no-such-tool {source}", "/etc/passwd", "'unclosed"])
def test_a_tool_that_cannot_run_is_a_scan_that_failed_to_run(command):
    assert scanned(zipped(GOOD), **custom(command)).error == "ScannerNotFound"


def test_the_tool_knows_neither_role_nor_token():
    done = with_tool(zipped(GOOD), SONAR_TOKEN="squ_secret", AWS_SESSION_TOKEN="session")

    known = done.log.splitlines()[2]
    assert "AWS" not in known
    assert "TOKEN" not in known
    assert "PATH" in known


def test_the_tool_does_not_run_in_the_upload():
    folder, source = with_tool(zipped(GOOD)).log.splitlines()[3].split()

    assert not folder.startswith(source)


def test_the_token_is_masked_in_tool_output():
    """The tool prints the path of the source."""
    done = with_tool(zipped(GOOD), SONAR_TOKEN="source\n")

    assert "/***" in done.log
    assert "source" not in done.log


@pytest.mark.slow
def test_the_token_is_masked_in_unexpected_errors():
    done = scanned(zipped(GOOD), UPLOAD_BUCKET="elsewhere", SONAR_TOKEN="NoSuchBucket")

    assert "(***)" in done.report["error"]["message"]
    assert "NoSuchBucket" not in done.log + json.dumps(done.report)


def test_an_unpaired_surrogate_in_tool_output_is_no_error():
    result = {"ruleId": "R1", "message": {"text": "password '\ud800'"}}
    done = with_tool(zipped(GOOD), sarif=of_results(result))

    assert [finding["message"] for finding in done.report["findings"]] == ["password '?'"]


def test_a_log_line_cannot_forge_others_or_steer_a_terminal(capsys):
    done = scanned(zipped(GOOD), UPLOAD_KEY="no\n\x1b[2Jsuch.zip")

    assert done.error == "UploadGone"
    assert "\x1b" not in done.log + capsys.readouterr().out


@pytest.mark.slow
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
def test_an_upload_that_cannot_be_fetched_is_a_scan_that_failed_to_run(change, error):
    done = scanned(zipped(GOOD), **change)

    assert (done.code, done.error) == (1, error)
    assert done.report["engine"] is None


@pytest.mark.parametrize("name", ["SCAN", "UPLOAD_VERSION", "LIMITS", "UPLOAD_LIMITS"])
def test_an_invalid_environment_is_reported(name, monkeypatch, capsys):
    for item in ("SCAN", "APP", "UPLOAD_BUCKET", "UPLOAD_KEY", "UPLOAD_VERSION"):
        monkeypatch.setenv(item, "a")
    monkeypatch.setenv("ARTIFACTS_BUCKET", "a")
    monkeypatch.setenv("SCANNERS", '["bandit"]')
    if name.endswith("LIMITS"):
        monkeypatch.setenv(name, '{"no JSON')
    else:
        monkeypatch.delenv(name)

    assert main() == 1
    assert "pulumi up" in capsys.readouterr().out
