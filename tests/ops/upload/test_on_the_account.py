"""upload on the real program, as the role that `uploaders` names."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner, Result

from local.account import DEPLOYERS, DEVELOPERS, LocalAccount
from ops.cli import app
from ops.upload import build_variables
from tests.support.account import click, recorded_uploader, scan_quickly, version
from tests.support.policy_evaluator import needs_engine
from tests.support.repositories import written

pytestmark = pytest.mark.slow

Run = Callable[..., Result]
FINDING = {"level": "error", "message": {"text": "not so"}, "ruleId": "R1"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    settings = {"uploaders": json.dumps({"pay*": [f"arn:aws:iam::123456789012:role/{DEVELOPERS}"]})}
    with LocalAccount(settings) as running:
        scan_quickly(running)
        yield running


@pytest.fixture
def run(cloud: LocalAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Upload the folder ``code`` as a build server would, with nothing but a role."""
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(cloud.outputs))
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"{DEVELOPERS}@build-77")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("CHATOPS_OUTPUTS", str(file))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in build_variables.SERVERS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)

    def start(*words: str) -> Result:
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which remembers credentials
        return CliRunner().invoke(app, ["upload", "code", *words])

    return start


def code(tmp_path: Path, findings: int) -> None:
    sarif = {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "tool"}}, "results": [FINDING] * findings}],
    }
    written(tmp_path / "code", {"app.py": "pass\n", "found.sarif": json.dumps(sarif)})


def test_an_upload_that_passes_is_followed_to_its_result(cloud, run, tmp_path):
    code(tmp_path, 0)

    result = run("--app", "payments", "--wait", "--commit", "a" * 40, "--branch", "ümlaut")

    assert result.exit_code == 0, result.output
    [scan] = re.findall(r"^scan +(\S+)", result.stdout, re.M)
    origin = cloud.evidence(scan)["report.json"]["upload"]["origin"]
    assert origin == {"commit": "a" * 40, "branch": "ümlaut"}
    assert recorded_uploader(cloud, scan)["principalId"].endswith(":build-77")


@pytest.mark.parametrize(("label", "exit_code"), [("Approve", 0), ("Reject", 1)])
def test_an_upload_that_fails_waits_for_people(cloud, run, tmp_path, label, exit_code):
    code(tmp_path, 1)
    results: list[Result] = []
    key = f"payments/{label}.zip"
    words = ("--app", "payments", "--key", key, "--wait=decision", "--timeout", "90s")
    waiting = threading.Thread(target=lambda: results.append(run(*words)))
    waiting.start()
    card = cloud.channel.wait(lambda card: label in card.title + card.description, 60)

    click(cloud, card.scan, label)
    waiting.join(60)

    assert results[0].exit_code == exit_code, results[0].output


def test_a_large_upload_needs_no_other_rights_and_replaces_an_older_one(cloud, run, tmp_path):
    code(tmp_path, 0)
    (tmp_path / "code" / "large.bin").write_bytes(os.urandom(17 * 1024 * 1024))

    first, second = (json.loads(run("--app", "payroll", "--json").stdout) for _ in range(2))

    assert first["sha256"] == second["sha256"]
    for upload in (first, second):
        execution = cloud.execution(upload["scan"], 30)
        assert cloud.ended(execution) == "SUCCEEDED"
        assert cloud.evidence(upload["scan"])["report.json"]["upload"]["sha256"] == upload["sha256"]
    head = cloud.client("s3").head_object(
        Bucket=cloud.outputs["uploadBucket"], Key=second["key"], VersionId=version(second["scan"])
    )
    assert head["ContentLength"] == second["size"]


@needs_engine
def test_an_app_of_others_and_a_role_that_may_not_upload_are_refused(run, tmp_path, monkeypatch):
    code(tmp_path, 0)

    other = run("--app", "inventory")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"{DEPLOYERS}@ada")
    reader = run("--app", "payments")

    for result, name in ((other, "inventory"), (reader, "payments")):
        assert result.exit_code == 2
        assert f"/{name}/code.zip: AWS refused PutObject" in result.stderr
        assert f"named in the setting uploaders for {name}" in result.stderr


def test_without_a_network_the_error_says_so(run, tmp_path, monkeypatch):
    code(tmp_path, 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    result = run("--app", "payments")

    assert result.exit_code == 2
    assert "Could not connect" in result.stderr
