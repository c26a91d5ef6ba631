"""Uploads whose bad code once passed unreported, or whose good code failed; real tools."""

import json
import shlex
import sys
from typing import Any

import pytest

from tests.scan.scanning import Scanned, custom, scanned
from tests.scan.uploads import BAD, GOOD, zipped
from tests.support.thinning import few, first

[EVIL] = BAD.values()
RUFF = "ruff check --select S --output-format sarif --output-file {sarif} {source}"
WRITE = "import sys; open(sys.argv[2], 'w').write(sys.argv[1])"


def unanalysed(done: Scanned) -> dict[str, str]:
    """The files of that class, with the reason."""
    files = done.report["coverage"]["files"]
    return {file["file"]: file["reason"] for file in files if file["class"] == "unanalysed"}


def failed_conditions(done: Scanned) -> list[str]:
    conditions = done.report["gate"]["conditions"]
    return [condition["metric"] for condition in conditions if condition["status"] == "error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    few(
        ["shop/evil.py", "evil.pyw", "dev/null/evil.py", ".tox/evil.py", "a%20b.py"],
        ["shop/evil.py", ".tox/evil.py"],
    ),
)
def test_bad_code_is_found_in_every_folder(name):
    done = scanned(zipped({**GOOD, name: EVIL}))

    assert failed_conditions(done) == ["HIGH"]
    assert [finding["file"] for finding in done.report["findings"]][:1] == [name]
    assert done.report["coverage"]["counts"]["analysed"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code"),
    first(
        [
            ("evil.py", f"{EVIL}print 'hello'\n"),
            ("bin/evil", f"#!/usr/bin/env python3\n{EVIL}"),
            ("evil.py", b"x = '\xff'\n" + EVIL.encode()),
            ("evil.PY", EVIL),
            ("evil.Py", EVIL),
            ("bin/evil.txt", f"#!/usr/bin/python3.12\n{EVIL}"),
            ("wscript", EVIL),
            ("app.wsgi", EVIL),
            ("evil.py", f"# coding: klingon\n{EVIL}"),
            ("evil.py", f"{EVIL}\0"),
            ("evil.py", f"x = {'(' * 5000}1{')' * 5000}\n{EVIL}"),
            ("evil.py", f"x = {'-' * 20_000}1\n{EVIL}"),
            ("evil.py", f"x = {'+'.join('1' * 20_000)}\n{EVIL}"),
            ("evil.py", f"def f(:\n{EVIL}"),
            ("evil.py", EVIL.encode("utf-16")),
            ("evil.py", EVIL.encode("utf-32")),
        ],
        3,
    ),
)
def test_python_that_bandit_does_not_read_fails_the_gate_by_name(name, code):
    done = scanned(zipped({**GOOD, name: code}))

    assert failed_conditions(done) == ["unanalysed_files"]
    assert list(unanalysed(done)) == [name]


def test_a_zip_in_a_zip_is_named():
    done = scanned(zipped({**GOOD, "inner.zip": zipped(BAD)}))

    assert done.report["gate"]["status"] == "passed"
    assert [(file["class"], file["file"]) for file in done.report["coverage"]["files"]] == [
        ("opaque", "inner.zip")
    ]


def test_a_scanner_that_crashes_while_writing_is_quoted_and_blames_no_setting():
    """Bandit writes findings as UTF-8, which cannot encode half a surrogate pair."""
    done = scanned(zipped({**GOOD, "login.py": "password = '\\ud800abc'\n"}))

    error = done.report["error"]
    assert error["code"] == "NoSarif"
    assert error["message"].startswith("Bandit ended with exit status 1 and wrote no SARIF: ")
    assert "surrogates not allowed" in error["message"]
    assert "customScanner" not in error["message"] + error["remediation"]


@pytest.mark.slow
def test_files_of_finder_are_not_code():
    double = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \x00\x02\x00\x00"
    done = scanned(zipped({**GOOD, "__MACOSX/shop/._prices.py": double}))

    assert done.report["gate"]["status"] == "passed"
    assert done.report["coverage"]["counts"]["analysed"] == 1
    assert done.report["coverage"]["counts"]["noCode"] == 1


@pytest.mark.parametrize(
    ("name", "text"),
    first(
        [
            ("ruff.toml", '[lint]\nignore = ["S"]\n'),
            ("shop/.ruff.toml", 'exclude = ["*"]\n'),
            ("pyproject.toml", "[tool.ruff.lint.per-file-ignores]\n'*' = ['S']\n"),
            ("pyproject.toml", '[tool."\\u0072uff".lint]\nignore = ["S"]\n'),
            (".gitignore", "*\n"),
            (".ignore", "*\n"),
        ],
        2,
    ),
)
def test_a_file_that_would_silence_ruff_is_not_followed_and_named(name, text):
    done = scanned(zipped({**BAD, name: text}), **custom(RUFF))

    assert failed_conditions(done) == ["HIGH"]
    assert [setting["file"] for setting in done.report["ignored"]] == [name]


def of_tool(sarif: dict[str, Any]) -> Scanned:
    words = [sys.executable, "-c", WRITE, json.dumps(sarif), "{sarif}", "{source}"]
    return scanned(zipped(GOOD), **custom(shlex.join(words)))


def log(*results: Any, **more: Any) -> dict[str, Any]:
    run = {"tool": {"driver": {"name": "Tool"}}, "results": list(results), **more}
    return {"version": "2.1.0", "runs": [run]}


def test_null_results_mean_that_the_tool_did_not_run():
    sarif = log()
    sarif["runs"][0]["results"] = None
    done = of_tool(sarif)

    assert done.error == "NothingAnalysed"
    assert "did not begin" in done.report["error"]["message"]


@pytest.mark.slow
def test_an_error_that_names_no_file_fails_the_gate():
    notification = {"level": "error", "message": {"text": "could not parse 3 files"}}
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": [notification]}
    done = of_tool(log(invocations=[invocation]))

    assert failed_conditions(done) == ["unanalysed_files"]
    assert unanalysed(done) == {"": "could not parse 3 files"}


@pytest.mark.slow
def test_a_uri_that_no_file_can_have_is_shown_as_it_is():
    uri = "x" * 600 + ".py"
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    result = {"ruleId": "R1", "level": "error", "locations": [location]}
    done = of_tool(log(result))

    assert failed_conditions(done) == ["HIGH"]
    assert done.report["findings"][0]["file"] == uri[:500]


def test_an_override_of_an_extensions_rule_does_not_change_the_drivers():
    driver = {
        "name": "Tool",
        "rules": [{"id": "R1", "defaultConfiguration": {"level": "error"}}],
    }
    descriptor = {"id": "X", "index": 0, "toolComponent": {"index": 0}}
    override = {"descriptor": descriptor, "configuration": {"level": "none"}}
    sarif = log(
        {"ruleId": "R1", "ruleIndex": 0, "message": {"text": "wrong"}},
        tool={"driver": driver, "extensions": [{"name": "E", "rules": [{"id": "X"}]}]},
        invocations=[{"executionSuccessful": True, "ruleConfigurationOverrides": [override]}],
    )

    assert failed_conditions(of_tool(sarif)) == ["HIGH"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "call",
    [
        "importlib.import_module(package='.', **{'name': 'pickle'})",
        "django.utils.safestring.mark_safe(**{'s': text})",
    ],
)
def test_a_file_on_which_a_check_of_bandit_crashes_is_unanalysed(call):
    """Bandit reports no finding in it, and mentions the crash on standard error only."""
    code = f"import importlib\nimport django.utils.safestring\n\n{call}\n"
    done = scanned(zipped({**GOOD, "evil.py": code}))

    assert failed_conditions(done) == ["unanalysed_files"]
    assert list(unanalysed(done)) == ["evil.py"]
