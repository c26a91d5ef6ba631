"""The command line itself: what is imported, the groups, exit codes, and how it ends."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops import cli, invocation
from ops.invocation import CHATOPS

ROOT = Path(__file__).parents[2]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_help_imports_neither_aws_nor_pulumi_nor_rich():
    result = python("-X", "importtime", "-m", "ops", "--help")

    imported = {row.split("|")[-1].strip().partition(".")[0] for row in result.stderr.splitlines()}
    assert result.returncode == 0
    assert "typer" in imported
    assert imported & {"boto3", "botocore", "pulumi", "rich", "yaml", "asyncio"} == set()


def test_the_help_lists_every_command_in_its_group_and_the_exit_codes():
    rows = CliRunner().invoke(cli.app, ["--help"], terminal_width=200).stdout.splitlines()

    sections = {"": []}
    for row in rows:
        if row.endswith(":") and not row.startswith(" "):
            sections[row[:-1]] = []
        elif row.strip():
            sections[[*sections][-1]].append(row.split()[0])
    assert {group: sections[group] for group in cli.GROUPS} == {
        group: [command.name for command in commands] for group, commands in cli.GROUPS.items()
    }
    assert sections["Exit codes"] == [str(code) for code in cli.EXIT_CODES]


@pytest.mark.parametrize("command", cli.COMMANDS.values(), ids=lambda command: command.name)
def test_a_summary_is_how_the_help_of_the_command_begins(command):
    assert (cli.load(command.name).help or "").startswith(command.summary)


def test_ctrl_c_ends_a_command_with_a_sentence(monkeypatch):
    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load", interrupt)

    result = CliRunner().invoke(cli.app, ["audit"])

    assert (result.exit_code, result.stderr) == (
        130,
        "✘ Interrupted. What runs in AWS goes on.\n",
    )


def test_a_cancelled_job_ends_as_with_ctrl_c():
    program = """
import os, signal, sys, time
from ops import cli
def load(name):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
cli.load = load
sys.argv[1:] = ["audit"]
cli.main()
"""
    result = python("-c", program)

    assert (result.returncode, "What runs in AWS goes on" in result.stderr) == (130, True)


def test_an_error_of_the_program_is_no_answer(monkeypatch, capsys):
    def fail(name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "load", fail)
    monkeypatch.setattr(sys, "argv", ["chatops", "audit"])

    with pytest.raises(SystemExit) as end:
        cli.main()

    assert end.value.code == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("redirection", "code"), [(">&- 2>&-", 0), ("| true", 2), ("2>&1 | true", 2)]
)
@pytest.mark.parametrize("text", ["as_json({})", "heading('text')"])
def test_output_that_nobody_reads_is_no_no(redirection, code, text):
    program = f"""
import sys
from ops import cli, errors, output
def load(name):
    output.{text}
    raise errors.CommandError("it worked", code=0)
cli.load = load
sys.argv[1:] = ["audit"]
cli.main()
"""
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} {redirection}"

    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, check=False
    )

    assert (result.returncode, result.stderr) == (code, b"")


def test_no_command_ends_as_if_nobody_read_its_output():
    # SystemExit is what Rich raises for a closed pipe.
    commands = {*(ROOT / "ops").rglob("*.py")} - {ROOT / "ops/cli.py", ROOT / "ops/__main__.py"}

    assert [
        file.name for file in commands if re.search(r"sys\.exit|SystemExit", file.read_text())
    ] == []


@pytest.mark.parametrize(
    "words", [["nothing"], ["audit", "--nothing"], []], ids=["command", "option", "no words"]
)
def test_wrong_use_is_no_answer(words):
    assert CliRunner().invoke(cli.app, words).exit_code == 2


def test_a_command_that_reads_the_program_says_where_to_call_it(monkeypatch):
    monkeypatch.setattr(invocation, "IN_CHECKOUT", False)

    result = CliRunner().invoke(cli.app, ["smoke", "--stack", "dev"])

    assert result.exit_code == 2
    assert "smoke reads the Pulumi program" in result.stderr
    assert ".venv/bin/python -m ops smoke" in result.stderr


def test_examples_are_as_the_program_is_called_here():
    result = CliRunner().invoke(cli.app, ["fetch", "--help"], terminal_width=40)

    assert f"\n  Example:\n    {CHATOPS} fetch payments --to payments.zip" in result.stdout


def test_the_version_is_that_of_the_project():
    result = python("-m", "ops", "--version")

    version = invocation.version()
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
    assert result.stdout == f"chatops {version}\n"
