"""rotate-token stores only a token that the server accepts, and never prints it."""

import json
from unittest.mock import patch

import pytest
import requests
import yaml
from typer.testing import CliRunner

from ops.cli import app
from ops.configuration import defaults
from ops.program import PROGRAM
from tests.scan.recorded import Answers

TOKEN = "squ_a_new_token"


@pytest.fixture
def pulumi(tmp_path, monkeypatch):
    """Replaces the Pulumi CLI: prints the settings, and records its arguments and its input.

    Returns the file of its records, and the settings, which a test may change.
    """
    selected = yaml.safe_load((PROGRAM / "Pulumi.dev.yaml").read_text())["config"]
    settings = {
        key: {"value": value if isinstance(value, str) else json.dumps(value)}
        for key, value in {**defaults(), **selected, "chatops-slack:sonarToken": "old"}.items()
    }
    notes, notified = tmp_path / "notes", tmp_path / "settings"
    command = tmp_path / "pulumi"
    command.write_text(
        "#!/bin/sh\n"
        f'case "$*" in\n  "config set"*) echo "$*" >> {notes}; cat >> {notes};;\n'
        f"  config*) cat {notified};;\n  *) echo '{{}}';;\nesac\n"
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    notified.write_text(json.dumps(settings))
    return notes, notified


def rotate(answers, token=TOKEN):
    with (
        # A function, so that the session is its first argument.
        patch.object(requests.Session, "get", lambda *a, **more: answers.get(*a, **more)),  # noqa: PLW0108
        patch("time.sleep"),
    ):
        return CliRunner().invoke(app, ["rotate-token", "--stack", "dev"], input=token)


def test_a_token_that_the_server_knows_is_stored_by_stdin(pulumi):
    notes, _ = pulumi

    result = rotate(Answers("good"), f"{TOKEN}\n")

    assert result.exit_code == 0, result.output
    assert notes.read_text() == f"config set --secret sonarToken --stack dev\n{TOKEN}"
    assert TOKEN not in result.output
    assert "pulumi up --stack dev" in result.stdout


def test_a_token_that_the_server_does_not_know_is_not_stored(pulumi):
    notes, _ = pulumi
    answers = Answers("good")
    answers.change("api/authentication/validate", body='{"valid": false}')

    result = rotate(answers)

    assert result.exit_code == 1
    assert not notes.exists()
    assert TOKEN not in result.output


def test_a_server_that_does_not_answer_changes_nothing(pulumi):
    notes, _ = pulumi
    answers = Answers("good")
    answers.change("api/system/status", status=503)

    result = rotate(answers)

    assert (result.exit_code, notes.exists()) == (1, False)
    assert "The old token stays." in result.stderr


def test_an_empty_token_is_refused(pulumi):
    result = rotate(Answers("good"), " \n")

    assert (result.exit_code, "no token was given" in result.stderr) == (2, True)


def test_a_stack_without_sonarqube_needs_none(pulumi):
    _, notified = pulumi
    settings = json.loads(notified.read_text())
    settings["chatops-slack:scanners"] = {"value": '["bandit"]', "object": True}
    notified.write_text(json.dumps(settings))

    result = rotate(Answers("good"))

    assert (result.exit_code, "needs no token" in result.stderr) == (2, True)
