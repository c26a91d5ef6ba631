"""The command ``chatops`` as people install it: from the wheel, without this repository.

The quick tests lend the packages of this environment; the slow ones install the wheel with pip into
an empty one, from the index that pip is configured with.
"""

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.wheel import build_wheel, lent_environment, unpack

MEGABYTE = 1024 * 1024
# Of the distribution and all that it needs.
MAX_DOWNLOAD = 30 * MEGABYTE
NEEDED = {"boto3", "rich", "typer"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def lent(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, and the packages of this environment."""
    return lent_environment(wheel, tmp_path_factory.mktemp("lent")) / "bin" / "python"


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it outside the repository, without the caller's Python and AWS settings."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "CHATOPS_", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [*command],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_distribution_needs_three_packages_and_pulumi_only_as_an_extra(wheel, tmp_path):
    unpack(wheel, tmp_path)
    [metadata] = tmp_path.glob("*.dist-info/METADATA")
    required = re.findall(r"^Requires-Dist: ([\w-]+)(.*)$", metadata.read_text(), re.M)

    assert {name for name, rest in required if "extra" not in rest} == NEEDED
    assert {name for name, rest in required if "extra == 'pulumi'" in rest} == {
        "pulumi",
        "pulumi-aws",
        "uv",
    }
    assert all("<" in rest and ">=" in rest for _, rest in required)


def test_each_command_has_its_help_without_the_repository(lent, tmp_path):
    program = """
import json, sys
from typer.testing import CliRunner
from chatops_slack.ops import cli
results = {
    name: CliRunner().invoke(cli.app, [name, "--help"])
    for name, command in cli.COMMANDS.items() if not command.program
}
print(json.dumps({
    "help": {name: result.stdout for name, result in results.items() if result.exit_code == 0},
    "failed": {name: result.output for name, result in results.items() if result.exit_code},
    "modules": sorted(sys.modules),
}))
"""
    result = run(lent, "-c", program, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)

    assert answer["failed"] == {}
    for name, text in answer["help"].items():
        assert f"  chatops {name}" in text, name
    top = {module.partition(".")[0] for module in answer["modules"]}
    assert "boto3" in top
    own = {"components", "domain", "ops", "packs", "samples", "scan"}
    assert top & {*own, "moto", "pulumi", "yaml"} == set()


def test_every_module_of_the_command_can_be_imported(lent, tmp_path):
    program = """
import importlib, pkgutil, sys
from chatops_slack import domain, ops
for package in (domain, ops):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    result = run(lent, "-c", program, cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert not {"pulumi", "components", "scan"} & set(result.stdout.split())


def test_a_command_that_reads_the_program_names_the_checkout(lent, tmp_path):
    result = run(lent, "-m", "chatops_slack.ops", "preflight", "--stack", "dev", cwd=tmp_path)

    assert result.returncode == 2
    assert "preflight reads the Pulumi program" in result.stderr


def test_suggestions_are_of_the_installed_command(lent, tmp_path):
    outputs = tmp_path / "outputs.json"
    outputs.write_text('{"uploadBucket": "up"}')

    result = run(
        lent, "-m", "chatops_slack.ops", "verify", "no-scan", "--outputs", outputs, cwd=tmp_path
    )

    assert result.returncode == 2, result.stderr
    assert ".venv/bin/python" not in result.stderr


def test_the_component_without_pulumi_says_what_to_install(wheel, tmp_path):
    packages = tmp_path / "packages"
    unpack(wheel, packages)
    program = "import chatops_slack; chatops_slack.UploadGate"

    result = run(sys.executable, "-S", "-c", program, cwd=tmp_path, PYTHONPATH=str(packages))

    assert "ImportError: UploadGate needs Pulumi: pip install 'chatops-slack[pulumi]'" in (
        result.stderr
    )


def test_completion_can_be_installed(lent, tmp_path):
    complete = run(
        lent,
        "-c",
        "from chatops_slack.ops.__main__ import main; main()",
        cwd=tmp_path,
        _CHATOPS_COMPLETE="complete_bash",
        COMP_WORDS="chatops fet",
        COMP_CWORD="1",
    )

    assert complete.stdout.split() == ["fetch"], complete.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel and what it needs, by pip."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    result = run(folder / "bin" / "pip", "install", "--quiet", wheel, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "bin"


@pytest.mark.slow
def test_an_empty_environment_has_the_command_after_pip_install(installed, tmp_path):
    result = run(installed / "chatops", "--help", cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Usage: chatops ")
    packages = run(installed / "pip", "list", "--format", "freeze", cwd=tmp_path).stdout
    assert "pulumi" not in packages


@pytest.mark.slow
def test_the_download_is_small(wheel, installed, tmp_path):
    result = run(
        installed / "pip", "download", "--quiet", "--dest", "downloaded", wheel, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr

    size = sum(file.stat().st_size for file in (tmp_path / "downloaded").iterdir())
    assert MEGABYTE < size < MAX_DOWNLOAD
