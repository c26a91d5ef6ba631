"""The command: its output, its JSON, and its exit code."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner

from ops.cli import app
from ops.configuration import configuration
from ops.preflight import command
from ops.preflight.environment import Environment
from ops.preflight.finding import Check, Finding, failed, fine, unknown, warning
from ops.program import PROGRAM
from tests.support.aws_answers import CALLER

DEV = PROGRAM / "Pulumi.dev.yaml"
# Without its placeholders.
SETTINGS = DEV.read_text().replace("example.com", "acme.io")
FINE = fine("workspace acme is authorised")
WARNING = warning("few builds", "others wait", "raise the quota")
UNKNOWN = unknown("not checked", "not known", "allow ses:GetAccount")
FAILED = failed("[bold]sender[/] is not verified", "nobody is told", "click the link")


Ran = Callable[..., Any]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ran:
    """Runs the command on ``settings``; its checks return the test's findings."""
    file = tmp_path / "Pulumi.dev.yaml"

    def run_command(
        *all_findings: Finding, options: tuple[str, ...] = (), settings: str = SETTINGS
    ) -> Any:
        file.write_text(settings)
        looked_at: list[Environment] = []

        def run(its: Environment, **_: Any) -> list[tuple[Check, Finding]]:
            looked_at.append(its)
            check = Check(area="Email", about="sender", inspect=lambda its: [])
            return [(check, all_finding) for all_finding in all_findings]

        monkeypatch.setattr(command, "run", run)
        monkeypatch.setattr(command, "identity", lambda region: CALLER)
        result = CliRunner().invoke(
            app, ["preflight", "--stack", "dev", "--config", str(file), *options]
        )
        assert [item.prefix for item in looked_at] == ["chatops-slack-dev-gate"]
        assert looked_at[0].resources
        return result

    return run_command


@pytest.mark.slow
@pytest.mark.parametrize(
    ("all_findings", "code"),
    [
        ([FINE], 0),
        ([FINE, WARNING], 0),
        ([FINE, UNKNOWN, WARNING], 2),
        ([UNKNOWN, FAILED, FINE], 1),
    ],
)
def test_the_worst_finding_is_the_exit_code(ran: Ran, all_findings: list[Finding], code: int):
    assert ran(*all_findings).exit_code == code


@pytest.mark.slow
def test_a_finding_is_shown_with_why_and_how_to_fix_it(ran: Ran):
    result = ran(FINE, FAILED)

    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines == [
        "✔  Email  sender  workspace acme is authorised",
        "✘         sender  [bold]sender[/] is not verified",
        "nobody is told",
        "→ click the link",
    ]
    assert "dev: 1 failed, 1 fine" in result.stderr


def test_json_has_the_same(ran: Ran):
    result = ran(FAILED, options=("--json",))

    assert json.loads(result.stdout) == [
        {
            "area": "Email",
            "about": "sender",
            "level": "failed",
            "what": "[bold]sender[/] is not verified",
            "why": "nobody is told",
            "fix": "click the link",
        }
    ]


def test_an_uploader_whom_nobody_knows_in_the_chat_is_a_warning(ran: Ran):
    refuse = (
        f"{SETTINGS}  chatops-slack:selfApproval: refuse\n  chatops-slack:recordApprover: true\n"
    )
    with_people = f"{refuse}  chatops-slack:people:\n    U0123456789: ada@acme.io\n"

    alone, known = ran(settings=refuse), ran(settings=with_people)

    assert "selfApproval is refuse, and people is empty" in alone.stdout
    assert "people is empty" not in known.stdout
    assert (alone.exit_code, known.exit_code) == (0, 0)


def preflight(file: Path) -> Any:
    return CliRunner().invoke(app, ["preflight", "--stack", "dev", "--config", str(file)])


def test_only_settings_are_checked_while_some_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "identity", lambda region: pytest.fail("asked"))
    file = tmp_path / "Pulumi.dev.yaml"
    text = DEV.read_text().replace("security@", "security")
    file.write_text(f"{text}  chatops-slack:protekt: true\n")

    result = preflight(file)

    assert result.exit_code == 1
    assert "no setting is called protekt" in result.stdout
    assert "sender: 'securityexample.com' is not an email address" in result.stdout
    assert "→ pulumi config set sender security@example.com --stack dev" in result.stdout


def test_without_a_region_the_command_that_sets_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(DEV.read_text().replace("  aws:region: eu-central-1\n", ""))

    result = preflight(file)

    assert result.exit_code == 1
    assert "→ pulumi config set aws:region eu-central-1 --stack dev" in result.stdout


def test_without_credentials_only_settings_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def nobody(region: str) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(command, "identity", nobody)
    monkeypatch.setattr(command, "run", lambda *_, **__: pytest.fail("asked"))

    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"{DEV.read_text()}  chatops-slack:protekt: true\n")

    result = preflight(file)

    assert result.exit_code == 1
    assert "no setting is called protekt" in result.stdout
    assert "security@example.com is an example" in result.stdout
    [row] = [line for line in result.stdout.splitlines() if "AWS does not know who you are" in line]
    assert row.split()[:3] == ["✘", "Account", "credentials"]


def test_a_deployed_stack_is_compared_with_its_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    answers = {
        "config": {
            key: {"value": value} for key, value in configuration("dev", DEV).values.items()
        },
        "output": {"uploadBucket": "uploads"},
        "export": {"deployment": {"resources": [{"urn": "u", "type": "t"}]}},
    }
    for name, answer in answers.items():
        (tmp_path / name).write_text(json.dumps(answer))
    cli = tmp_path / "pulumi"
    cli.write_text(
        f'#!/bin/sh\n[ "$1" = config ] && cat {tmp_path}/config || cat {tmp_path}/"$2"\n'
    )
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(command, "identity", lambda region: CALLER)
    environments: list[Environment] = []
    monkeypatch.setattr(command, "run", lambda its, done: environments.append(its) or [])

    command.inspect(configuration("dev", None))

    assert [list(its.state) for its in environments] == [[{"urn": "u", "type": "t"}]]


def test_a_misspelt_setting_is_named(ran: Ran):
    result = ran(settings=f"{SETTINGS}  chatops-slack:protekt: true\n")

    assert result.exit_code == 0
    assert "! " in result.stdout
    assert "no setting is called protekt" in result.stdout
    assert "→ pulumi config rm protekt --stack dev" in result.stdout
    assert result.stdout.count("no setting is called") == 1


@pytest.mark.slow
def test_addresses_that_do_not_exist_are_named(ran: Ran):
    text = DEV.read_text().replace("developers@example.com", "developers@acme.io")

    result = ran(
        settings=f"{text}  chatops-slack:appRecipients: {{web: [a@acme.io, web@acme.test]}}\n"
    )

    assert result.exit_code == 1
    assert "security@example.com is an example, and nobody reads it" in result.stdout
    assert "web@acme.test is an example, and nobody reads it" in result.stdout
    assert "→ pulumi config set sender" in result.stdout
    assert """→ pulumi config set --path 'appRecipients["web"][1]'""" in result.stdout
    assert "acme.io" not in result.stdout


@pytest.mark.slow
def test_an_address_that_does_not_exist_is_named_for_each_setting(ran: Ran):
    result = ran(
        settings=SETTINGS.replace("acme.io", "example.com").replace("security@", "developers@")
    )

    assert "→ pulumi config set sender" in result.stdout
    assert "→ pulumi config set --path 'recipients[0]'" in result.stdout


def test_a_missing_settings_file_is_reported(tmp_path: Path):
    result = preflight(tmp_path / "absent.yaml")

    assert result.exit_code == 2
    assert "can't be read as settings of a stack" in result.stderr


def test_a_stack_that_is_not_named_is_asked_for():
    result = CliRunner().invoke(app, ["preflight", "--stack", ""])

    assert result.exit_code == 2
    assert "make preflight STACK=dev" in result.stderr
