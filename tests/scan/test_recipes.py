"""The recipes of well-known tools, and how a command selects them."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from scan.finding import Seen
from scan.sarif import recipes
from scan.sarif.output import OutputReader
from scan.sarif.reading import read
from scan.sarif.recipes import named, settings_files
from tests.scan.scanning import ENVIRONMENT, tree


def tools(command: str) -> list[str]:
    return [recipe.commands[0] for recipe in named(command)]


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("bandit -r {source}", "bandit"),
        ("/opt/venv/bin/bandit -r {source}", "bandit"),
        ("python -m bandit -r {source}", "bandit"),
        ("uvx ruff@0.14 check {source}", "ruff"),
        ("uv tool run ruff==0.14.0 check {source}", "ruff"),
        ("npx --yes eslint@9 {source}", "eslint"),
        ("node node_modules/.bin/ESLint.js {source}", "eslint"),
        ("sh -c 'cd / && exec semgrep scan \"$0\"' {source}", "semgrep"),
        ("env X=1 gosec ./...", "gosec"),
    ],
)
def test_a_command_names_its_tool(command, tool):
    assert tools(command) == [tool]


@pytest.mark.parametrize(
    "command", ["own-tool {source}", "tool --config bandit.yaml", "tool bandit-results/", "true"]
)
def test_a_command_may_name_none(command):
    assert tools(command) == []


def test_a_shell_may_run_several():
    assert tools("sh -c 'bandit {source} & ruff check {source}; merge'") == ["bandit", "ruff"]


def globs(command: str) -> set[str]:
    return {settings_file.glob for settings_file in settings_files(named(command), command)}


def test_each_tool_reads_only_its_own_settings_files():
    assert globs("bandit {source}") == {".bandit"}
    assert globs("gosec {source}") == set()
    assert ".semgrepignore" in globs("semgrep {source}")
    assert "ruff.toml" not in globs("semgrep {source}")


def test_options_that_turn_settings_files_off_leave_them_where_they_are():
    assert {"ruff.toml", "pyproject.toml", ".gitignore"} <= globs("ruff check {source}")
    assert globs("ruff check --isolated {source}") == {".gitignore", ".git/info/exclude", ".ignore"}
    assert globs("ruff check --isolated --no-respect-gitignore {source}") == set()
    assert "eslint.config.js" in globs("sh -c 'eslint {source}'")
    assert "eslint.config.js" not in globs("eslint --config=/opt/e.mjs {source}")


def test_an_unknown_tool_may_read_any_settings_file():
    every = {setting.glob for recipe in recipes.recipes().values() for setting in recipe.settings}

    assert globs("own-tool {source}") == every | {".snyk", ".tflint.hcl"}


def test_ruff_leaves_out_what_its_recipe_says():
    expected = subprocess.run(
        [
            shutil.which("ruff", path=ENVIRONMENT["PATH"]) or "ruff",
            "check",
            "--isolated",
            "--show-settings",
            __file__,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = expected.partition("file_resolver.exclude = [")[2].partition("]")[0]

    assert {line.strip('", \t') for line in listed.split("\n")} - {""} == recipes.recipes()[
        "ruff"
    ].leaves_out


def notes_of(tool: str, *lines: str) -> Any:
    patterns = [recipe.output for recipe in named(tool) if recipe.output]
    output = OutputReader(patterns)
    for line in lines:
        output.read(line)
    return output.notes


def test_a_crashed_check_of_bandit_leaves_its_file_unanalysed():
    notes = notes_of(
        "bandit",
        "[tester]\tERROR\tBandit internal error running: hardcoded_tmp on file /s/a b.py at line 3:"
        " boomTraceback (most recent call last):",
        "[main]\tINFO\trunning on Python 3.11.7",
    )

    assert notes.unread == {"/s/a b.py": "boom"}
    assert (notes.analysed, notes.problems) == ({}, {})


def test_files_that_ruff_cannot_read_are_unanalysed():
    notes = notes_of(
        "ruff",
        "warning: Failed to lint /s/x.py: stream did not contain valid UTF-8",
        "warning: Invalid `# noqa` directive on /s/y.py:1: expected a code",
    )

    assert notes.unread == {"/s/x.py": "stream did not contain valid UTF-8"}


def test_files_that_gosec_checks_are_analysed():
    notes = notes_of(
        "gosec",
        "[gosec] 2026/11/25 15:27:06 Including rules: default",
        "[gosec] 2026/11/25 15:27:06 Checking package: types",
        "could not import [gosec] a b Checking file: /s/types/forged.go",
        "[gosec] 2026/11/25 15:27:06 Checking file: /s/types/b.go",
        "[gosec] 2026/11/25 15:27:06 Error building the SSA representation of the package types:"
        " package types has type errors, skipping SSA analysis, no ssa result",
    )

    assert notes.analysed == {"/s/types/b.go": None}
    assert list(notes.problems) == [
        "Error building the SSA representation of the package types: package types has type errors,"
        " skipping SSA analysis, no ssa result"
    ]


def test_output_that_names_too_many_files_is_an_error_of_its_own(monkeypatch):
    monkeypatch.setattr("scan.sarif.output.MOST", 2)
    notes = notes_of("ruff", *(f"warning: Failed to lint /s/{n}.py: no" for n in range(5)))

    assert len(notes.unread) == 2
    assert list(notes.problems) == ["the scanner's output names too many files to be read"]


def seen_by(tool: str, tmp_path, command: str = "", own_json: Any = None) -> Seen:
    files = ("app/store.py", "app/broken.py", "dist/x.py", "dist/x.js", "node_modules/y.py")
    source = tree(dict.fromkeys(files, "code"), tmp_path / "source")
    sarif = tree({"result.sarif": json.dumps(sarif_of(tool))}, tmp_path / "work") / "result.sarif"
    if own_json is not None:
        text = json.dumps(own_json).replace("SOURCE", str(source))
        (tmp_path / "work" / "result.sarif.json").write_text(text)
    return read(sarif, source=source, folder=sarif.parent, command=command).seen


def sarif_of(tool: str) -> dict[str, Any]:
    warning = {"level": "warning", "message": {"text": "Syntax error at line x:\n `if`"}}
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": [warning]}
    run = {"tool": {"driver": {"name": tool}}, "results": [], "invocations": [invocation]}
    return {"version": "2.1.0", "runs": [run]}


def test_folders_that_ruff_leaves_out_were_not_read_unless_its_command_says_so(tmp_path):
    all_in = "ruff check --config exclude=[] {source}"
    not_all = "ruff check --config extend-exclude=[] {source}"

    assert seen_by("ruff", tmp_path / "a").unread.keys() == {"dist/x.py", "node_modules/y.py"}
    assert seen_by("ruff", tmp_path / "b", command=all_in).unread == {}
    assert seen_by("ruff", tmp_path / "c", command=not_all).unread != {}


def test_semgrep_without_a_list_of_scanned_files_is_incomplete(tmp_path):
    incomplete = seen_by("Semgrep OSS", tmp_path).incomplete

    assert incomplete[0] == "Syntax error at line x: `if`"
    assert "add --json-output={sarif}.json to its command" in incomplete[1]


def test_semgreps_own_json_says_what_it_scanned_and_what_not(tmp_path):
    own = {
        "paths": {"scanned": ["SOURCE/app/store.py", "SOURCE/app/broken.py", "/elsewhere"]},
        "errors": [
            {"message": "Syntax error at line x:\n `if`", "path": "SOURCE/app/broken.py"},
            {"message": "too slow", "spans": [{"file": "SOURCE/dist/x.js"}]},
            {"type": "Fatal error"},
        ],
        "skipped_rules": ["r1"],
    }
    seen = seen_by("Semgrep OSS", tmp_path, own_json=own)

    assert seen.analysed == {"app/store.py", "app/broken.py"}
    assert seen.unread == {
        "app/broken.py": "Syntax error at line x: `if`",
        "dist/x.js": "too slow",
    }
    assert seen.incomplete == ("Fatal error", "Semgrep did not run a rule: r1")


def test_warnings_of_other_tools_are_no_errors(tmp_path):
    assert seen_by("Tool", tmp_path).incomplete == ()
