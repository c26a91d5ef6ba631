"""Every command in the help is accepted by the command line, and is in the docs."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops import cli
from ops.invocation import CHATOPS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "commands.md").read_text()
COMMANDS = {name: cli.load(name) for name in cli.COMMANDS}


def shown_in(text: str) -> list[str]:
    """The words after the program's, up to the end of the code or a pipe."""
    matches = re.findall(rf"{re.escape(CHATOPS)}\s+([a-z][^`\n|>]*)", text)
    return [match.strip() for match in matches]


EXAMPLES = {
    f"{name} --help": shown_in(re.sub(r"\s+", " ", COMMANDS[name].help or "")) for name in COMMANDS
}


@pytest.mark.parametrize(
    ("where", "words"),
    [(where, words) for where, all_of in EXAMPLES.items() for words in all_of],
)
def test_every_documented_command_is_accepted(where, words):
    name, *arguments = shlex.split(words, comments=True)

    assert name in COMMANDS, where
    if arguments:
        COMMANDS[name].make_context(name, arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_its_own_example(name):
    result = CliRunner().invoke(cli.app, [name, "--help"])

    assert result.exit_code == 0
    assert any(example.split()[0] == name for example in EXAMPLES[f"{name} --help"])


def test_the_docs_have_every_command_in_its_group():
    rows = re.findall(r"^\| ([A-Z]\w+) \| (`.*?`) \|", PAGE, re.M)

    assert [(group, name) for group, names in rows for name in re.findall("`(.*?)`", names)] == [
        (group, command.name) for group, commands in cli.GROUPS.items() for command in commands
    ]


def test_the_docs_name_the_commands_that_need_a_checkout():
    [names] = re.findall(r"^(`.*) read the Pulumi program", PAGE, re.M)

    assert re.findall("`(.*?)`", names) == [
        command.name for command in cli.COMMANDS.values() if command.program
    ]


def test_the_docs_have_the_exit_codes():
    assert re.findall(r"^\| (\d+) \| (.*) \|$", PAGE.split("## All commands")[0], re.M) == [
        (str(code), meaning) for code, meaning in cli.EXIT_CODES.items()
    ]


@pytest.mark.parametrize("words", [["fetch", "payments"], ["audit"], ["waiting"]])
def test_a_missing_environment_is_asked_for_before_anything_else(monkeypatch, words):
    for name in ("CHATOPS_OUTPUTS", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")

    result = CliRunner().invoke(cli.app, words)

    assert (result.exit_code, "which environment?" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "cannot be read"), ("no json", "no JSON"), ("{}", "no output uploadBucket")],
    ids=["no file", "no json", "no outputs"],
)
def test_missing_outputs_are_reported_with_a_message(tmp_path, text, says):
    file = tmp_path / "outputs.json"
    if text:
        file.write_text(text)

    result = CliRunner().invoke(cli.app, ["audit", "--outputs", str(file)])

    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr


def test_a_failing_pulumi_is_reported_with_a_message(tmp_path, monkeypatch):
    command = tmp_path / "pulumi"
    command.write_text("#!/bin/sh\necho no stack named dev >&2; exit 255\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    result = CliRunner().invoke(cli.app, ["audit", "--stack", "dev"])

    assert result.exit_code == 2
    assert "no stack named dev" in result.stderr
