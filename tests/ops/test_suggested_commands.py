"""A command that the output suggests names the environment that the user named."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from ops import cli, smoke, stack
from ops.errors import CommandError
from ops.evidence import Evidence
from ops.invocation import CHATOPS


def assert_suggested(text: str, command: str, option: str) -> None:
    [suggestion] = re.findall(rf"{re.escape(CHATOPS)} (.*)", text)
    name, *arguments = shlex.split(suggestion)
    assert name == command
    cli.load(name).make_context(name, arguments)
    assert suggestion.endswith(option)


def test_the_environment_is_named_as_the_user_named_it(environment, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(stack.shutil, "which", lambda _: "/bin/pulumi")
    monkeypatch.setattr(stack, "_pulumi_outputs", lambda stack: environment.outputs.read_text())
    spaced = tmp_path / "the outputs.json"
    spaced.write_text(environment.outputs.read_text())

    assert stack.load("dev", None).option == "--stack dev"
    assert stack.load(None, spaced).option == f"--outputs '{spaced}'"


def test_audit_is_suggested_for_a_scan_without_evidence(environment):
    result = environment.run("verify", "payments/none")

    assert result.exit_code == 1
    assert_suggested(result.stderr, "audit", f"--outputs {environment.outputs}")


def test_verify_is_suggested_for_invalid_evidence(environment):
    environment.put("payments/1", "scan.json", b"no json")
    evidence = Evidence(stack.load(None, environment.outputs))

    with pytest.raises(CommandError) as error:
        evidence.read("payments/1", "scan.json")

    assert_suggested(error.value.fix, "verify", f"--outputs {environment.outputs}")


def test_reject_is_suggested_for_a_sample_whose_scan_is_not_over(environment, asked_first, capsys):
    def running(operation: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        return {"status": "RUNNING"} if operation == "DescribeExecution" else None

    asked_first(running)
    key = "smoke-payments/payments.zip"
    version = environment.upload(key)
    environment.scan(version, key=key)
    sent = smoke.Sent(sample="payments", key=key, version=version)

    smoke._clean_up(stack.load(None, environment.outputs), [sent])

    assert_suggested(capsys.readouterr().err, "reject", f"--outputs {environment.outputs}")


def test_redrive_is_suggested_for_a_sample_whose_scan_never_began(environment, monkeypatch, capsys):
    monkeypatch.setattr(smoke, "OPENED_WITHIN_SECONDS", 0)
    checks = smoke.Checks(smoke.output.err())
    sent = smoke.Sent(sample="payments", key="smoke/payments.zip", version="none")

    smoke._follow(stack.load(None, environment.outputs), checks, sent, 0, reject=False)

    assert_suggested(capsys.readouterr().err, "redrive", f"--outputs {environment.outputs}")
