"""A build server with the wheel, a role and nothing else uploads to the account on this machine."""

import io
import json
import os
import subprocess
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.account import DEVELOPERS, REGION, LocalAccount
from tests.support.account import QUICK_FAILING, QUICK_PASSING, scan_quickly
from tests.support.policy_evaluator import needs_engine
from tests.support.wheel import build_wheel

pytestmark = [pytest.mark.slow, needs_engine]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAccount]:
    with LocalAccount() as running:
        scan_quickly(running)
        yield running
        assert [str(denied) for denied in running.guard.denied] == []


@pytest.fixture(scope="module")
def chatops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed with pip into an empty environment."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    venv.create(folder, with_pip=True)
    install = [folder / "bin" / "pip", "install", "--quiet", wheel]
    subprocess.run(install, check=True, cwd=folder)
    return folder / "bin" / "chatops"


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [(0, "passed", QUICK_PASSING), (1, "failed", QUICK_FAILING)],
    ids=["passes", "fails"],
)
def test_a_folder_is_uploaded_and_its_result_is_the_exit_code(
    cloud: LocalAccount, chatops: Path, tmp_path: Path, code: int, status: str, body: bytes
):
    source = tmp_path / "source"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(source)

    result = subprocess.run(
        [chatops, "upload", source, "--app", f"app-{status}", "--wait", "--json"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": f"{DEVELOPERS}@build-42",
            "AWS_SECRET_ACCESS_KEY": "local",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert result.returncode == code, result.stderr
    document = json.loads(result.stdout)
    assert document["status"] == status
    assert cloud.clearance(f"app-{status}/source.zip", document["scan"]) == status
    assert ".venv" not in result.stderr
