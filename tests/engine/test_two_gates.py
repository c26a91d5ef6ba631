"""The example in ``examples/two-gates``, with the package from a wheel, outside this repository."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.engine.workspace import REPOSITORY, Life, Workspace, live, name
from tests.support.wheel import build_wheel, lent_environment

EXAMPLE = REPOSITORY / "examples" / "two-gates"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel only; its dependencies come from this environment."""
    return lent_environment(wheel, tmp_path_factory.mktemp("environment"))


@pytest.fixture(scope="module")
def life(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("two-gates")
    shutil.copytree(EXAMPLE, folder / "program")
    return live(Workspace(folder, "dev", environment))


def test_a_wheel_has_one_package_of_the_projects_name(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        top = {path.split("/")[0] for path in archive.namelist()}

    version = wheel.name.split("-")[1]
    assert top == {"chatops_slack", f"chatops_slack-{version}.dist-info"}


def test_the_wheel_imports_nothing_of_the_repository(environment: Path):
    program = "import chatops_slack, json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [environment / "bin" / "python", "-c", program],
        cwd=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    top = {module.split(".")[0] for module in json.loads(result.stdout)}

    assert "chatops_slack" in top
    assert not top & {"components", "domain", "handlers", "scan"}


def test_a_second_up_changes_nothing(life: Life):
    assert life.second_up.returncode == 0, life.second_up.stdout


def test_both_gates_are_complete_and_share_nothing(life: Life):
    gates = {
        gate: {
            (item["type"], name(item).removeprefix(f"{gate}-"))
            for item in life.aws
            if name(item).startswith(f"{gate}-")
        }
        for gate in ("payments", "tools")
    }
    only_payments = gates["payments"] - gates["tools"]

    assert len(life.aws) == len(gates["payments"]) + len(gates["tools"])
    assert gates["tools"] <= gates["payments"]
    # Both gates send from one address (one identity), and only one scanner needs a token.
    assert {label for _, label in only_payments} == {"sender", "scan-sonar-token"}
    outputs = [
        {value for name, value in life.outputs[gate].items() if name not in ("approvals", "people")}
        - {""}
        for gate in ("payments", "tools")
    ]
    assert not outputs[0] & outputs[1]


def test_tags_are_of_one_gate_and_not_of_the_program(life: Life):
    tags = {
        name(item).split("-")[0]: item["inputs"].get("tags")
        for item in life.aws
        if item["type"] == "aws:sns/topic:Topic"
    }

    assert tags == {"payments": None, "tools": {"team": "tools"}}


def test_the_functions_get_the_code_from_the_wheel(life: Life):
    for item in life.aws:
        if item["type"] == "aws:lambda/function:Function":
            assets = item["inputs"]["code"]["assets"]
            assert "handlers/approval.py" in assets
            assert any(path.startswith("domain/") for path in assets)


def test_destroy_leaves_nothing(life: Life):
    assert life.left == []
