"""The program under the real Pulumi CLI; only AWS is not real (``provider.py``).

What mocks can't show: the project file as the CLI reads it, unknown outputs in a preview, assets
whose hash moves, secrets in the state, protection, the order of deletion.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2]
TOKEN = "squ_engine_0123456789abcdef"
# How a secret looks in the state and in the protocol: a signature, and what it is a secret of.
SIGNATURE = "4dabf18193072939515e22adb298388d"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("pulumi") and shutil.which("pulumi-language-python")),
        reason="the Pulumi CLI is not on PATH (https://www.pulumi.com/docs/install/)",
    ),
]


class Workspace:
    """A copy of the program with a backend, home and plugin of its own, for one stack."""

    again: subprocess.CompletedProcess[str]

    def __init__(self, folder: Path, stack: str) -> None:
        self.stack, self._program, self._backend = stack, folder / "program", folder / "backend"
        self._backend.mkdir()
        for name in ("components", "handlers", "scan"):
            shutil.copytree(
                PROGRAM / name,
                self._program / name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        for path in (PROGRAM / "__main__.py", *PROGRAM.glob("Pulumi*.yaml")):
            shutil.copy(path, self._program)
        # Pulumi.yaml names this environment; what runs the tests has all that it needs.
        (self._program / ".venv").symlink_to(sys.prefix)
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": os.pathsep.join(
                [str(Path(__file__).parent), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self._backend}",
            "PULUMI_CONFIG_PASSPHRASE": "passphrase",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.ok("stack", "init", stack)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the CLI."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never", "-C", self._program],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    def ok(self, *arguments: str) -> str:
        """The output of a command that succeeds."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def set_token(self) -> None:
        done = subprocess.run(
            ["pulumi", "config", "set", "--secret", "sonarToken", "-C", self._program],
            env=self._environment,
            input=TOKEN,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    @property
    def written(self) -> dict[Path, str]:
        """Everything that the CLI has written: state, its backups and history, and the config."""
        paths = [*self._backend.rglob("*"), *self._program.glob("Pulumi*")]
        return {path: path.read_text() for path in paths if path.is_file()}

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state."""
        state = self._backend / ".pulumi" / "stacks" / "chatops-slack" / f"{self.stack}.json"
        return json.loads(state.read_text())["checkpoint"]["latest"].get("resources", [])


def deploy(workspace: Workspace) -> Workspace:
    """Preview, up, and up again, whose answer ``test_a_second_up_changes_nothing`` reads."""
    workspace.set_token()
    workspace.ok("preview")
    workspace.ok("up", "--yes", "--skip-preview")
    workspace.again = workspace.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    return workspace


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace]:
    """Both environments after ``pulumi up``, made at the same time."""
    folders = {stack: tmp_path_factory.mktemp(stack) for stack in ("dev", "prod")}
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda stack: deploy(Workspace(folders[stack], stack)), folders)
        return dict(zip(folders, made, strict=True))


@pytest.fixture(params=["dev", "prod"])
def deployed(request: pytest.FixtureRequest, environments: dict[str, Workspace]) -> Workspace:
    """One environment; its last test destroys it."""
    return environments[request.param]


def test_a_second_up_changes_nothing(deployed: Workspace):
    assert deployed.again.returncode == 0, deployed.again.stdout
    assert "unchanged" in deployed.again.stdout


def test_the_outputs_are_all_there(deployed: Workspace):
    outputs = json.loads(deployed.ok("stack", "output", "--json"))

    assert set(outputs) == {
        "uploadBucket",
        "artifactsBucket",
        "stateBucket",
        "stateMachine",
        "topic",
        "approvalFunction",
        "rescanFunction",
        "dashboardUrl",
        "deadLetterQueue",
        "executionsUrl",
        "buildsUrl",
        "evidenceUrl",
        "uploadCommand",
    }
    assert (
        outputs["uploadCommand"] == f"aws s3 cp app.zip s3://{outputs['uploadBucket']}/APP/app.zip"
    )


def test_the_token_is_nowhere_in_plain_but_encrypted_in_the_state(deployed: Workspace):
    versions = [
        each["inputs"]["secretString"]
        for each in deployed.resources
        if each["type"] == "aws:secretsmanager/secretVersion:SecretVersion"
    ]

    assert len(versions) == 1
    assert SIGNATURE in versions[0]
    assert "ciphertext" in versions[0]
    assert [path for path, text in deployed.written.items() if TOKEN in text] == []


def test_names_say_project_and_stack(deployed: Workspace):
    names = {
        each["inputs"][key]
        for each in deployed.resources
        for key in ("name", "bucket")
        if each["type"].startswith("aws:")
        # Where the bucket is another resource's, its name is seen there.
        and isinstance(each.get("inputs", {}).get(key), str)
    }
    begins = f"chatops-slack-{deployed.stack}-"

    assert len(names) > 15
    assert [name for name in names if not name.startswith(begins)] == []


def test_every_resource_lies_under_a_component(deployed: Workspace):
    custom = [each["urn"] for each in deployed.resources if each["type"].startswith("aws:")]

    assert len(custom) > 50
    assert [urn for urn in custom if "chatops-slack:index:" not in urn] == []


def test_destroy_takes_everything_but_what_is_protected(deployed: Workspace):
    """The last test of each environment."""
    protected = {
        each["urn"].rsplit("::", 1)[1] for each in deployed.resources if each.get("protect")
    }
    if deployed.stack == "prod":
        assert protected == {"gate-key", "gate-uploads", "gate-artifacts", "gate-access-logs"}
        refused = deployed.run("destroy", "--yes", "--skip-preview")
        assert refused.returncode != 0
        assert "protected" in refused.stdout + refused.stderr
        assert {each["urn"].rsplit("::", 1)[1] for each in deployed.resources} >= protected
        # As docs/operations.md removes an environment without losing evidence.
        storage = {each["urn"] for each in deployed.resources if ":index:Storage" in each["urn"]}
        deployed.ok("destroy", "--yes", "--skip-preview", "--exclude", "**:index:Storage**")
        left = {each["urn"] for each in deployed.resources if "pulumi:" not in each["type"]}
        assert {urn for urn in left if ":index:Storage" in urn} == storage
        assert len(left - storage) == 1  # the gate itself
        deployed.ok("state", "unprotect", "--all", "--yes")
    else:
        assert protected == set()

    deployed.ok("destroy", "--yes", "--skip-preview")

    assert deployed.resources == []


def test_without_a_token_sonarqube_is_refused_with_the_mending_command_and_sarif_is_not(
    tmp_path: Path,
):
    workspace = Workspace(tmp_path, "dev")

    refused = workspace.run("preview")
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "sonarToken: is missing; engine sonarqube needs one" in said
    assert "pulumi config set --secret sonarToken --stack dev" in said
    assert "Traceback" not in said

    workspace.ok("config", "set", "engine", "sarif")
    workspace.ok("preview")


def test_the_cli_takes_no_token_in_plain(tmp_path: Path):
    workspace = Workspace(tmp_path, "dev")

    refused = workspace.run("config", "set", "sonarToken", "squ_engine_in_plain_0123456789abcdef")

    assert refused.returncode != 0
    assert "rerun with --secret" in refused.stderr
    assert not any("in_plain" in text for text in workspace.written.values())
