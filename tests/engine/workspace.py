"""A Pulumi program under the real CLI, with its own backend, home and provider plugin."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine.chat_service import ChatService
from tests.support.provider_calls import Operation

REPOSITORY = Path(__file__).parents[2]
TOKEN = "squ_engine_0123456789abcdef"


class Workspace:
    """One stack of the program in ``folder/program``, run in the environment ``venv``."""

    def __init__(self, folder: Path, stack: str, venv: Path = Path(sys.prefix)) -> None:
        self.stack, self.program, self._backend = stack, folder / "program", folder / "backend"
        self._backend.mkdir()
        self._operations = folder / "home" / "operations.jsonl"
        self.chat = ChatService(folder / "home" / "chat-service.json")
        # Pulumi.yaml names this environment.
        (self.program / ".venv").symlink_to(venv)
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
        """Run a command of the CLI, and check that it does not print the token."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never", "-C", self.program],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    def ok(self, *arguments: str) -> str:
        """Run a command that must succeed; return its output."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def set_token(self) -> None:
        done = subprocess.run(
            ["pulumi", "config", "set", "--secret", "sonarToken", "-C", self.program],
            env=self._environment,
            input=TOKEN,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    @property
    def written(self) -> dict[Path, str]:
        """All files that the CLI wrote: state, backups, history and config."""
        paths = [*self._backend.rglob("*"), *self.program.glob("Pulumi*")]
        return {path: path.read_text() for path in paths if path.is_file()}

    @property
    def operations(self) -> list[Operation]:
        """What the engine had the provider do, in order."""
        lines = self._operations.read_text(encoding="utf-8").splitlines()
        return [Operation(**json.loads(line)) for line in lines]

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state."""
        [state] = (self._backend / ".pulumi" / "stacks").glob(f"*/{self.stack}.json")
        return json.loads(state.read_text())["checkpoint"]["latest"].get("resources", [])


@dataclass
class Life:
    """The recorded results of a stack, from its preview to the end of ``pulumi destroy``."""

    stack: str
    second_up: subprocess.CompletedProcess[str]
    outputs: Mapping[str, Any]
    resources: list[dict[str, Any]]
    leaks: list[Path]
    refused: subprocess.CompletedProcess[str] | None = None
    after_refused: list[dict[str, Any]] = field(default_factory=list)
    after_exclude: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    @property
    def aws(self) -> list[dict[str, Any]]:
        """The resources that would exist in AWS."""
        return [resource for resource in self.resources if resource["type"].startswith("aws:")]

    @property
    def protected(self) -> set[str]:
        return {name(resource) for resource in self.resources if resource.get("protect")}


def name(resource: Mapping[str, Any]) -> str:
    """The name of a resource in the program."""
    return resource["urn"].rsplit("::", 1)[1]


def live(workspace: Workspace) -> Life:
    """Preview, up, up again, refresh, destroy: refused while protected, then after unprotecting."""
    workspace.set_token()
    workspace.ok("preview")
    workspace.ok("up", "--yes", "--skip-preview")
    life = Life(
        stack=workspace.stack,
        second_up=workspace.run("up", "--yes", "--skip-preview", "--expect-no-changes"),
        outputs=json.loads(workspace.ok("stack", "output", "--json")),
        resources=workspace.resources,
        leaks=[path for path, text in workspace.written.items() if TOKEN in text],
    )
    workspace.ok("refresh", "--yes", "--skip-preview")
    if life.protected:
        life.refused = workspace.run("destroy", "--yes", "--skip-preview")
        life.after_refused = workspace.resources
        # As docs/operations.md removes an environment without losing evidence.
        workspace.ok("destroy", "--yes", "--skip-preview", "--exclude", "**:index:Storage**")
        life.after_exclude = workspace.resources
        workspace.ok("state", "unprotect", "--all", "--yes")
    workspace.ok("destroy", "--yes", "--skip-preview")
    life.left = workspace.resources
    life.operations = workspace.operations
    return life


def copy_program(target: Path) -> None:
    """Copy the files that this repository's program needs."""
    for folder in ("components", "domain", "handlers", "packs", "scan"):
        shutil.copytree(
            REPOSITORY / folder,
            target / folder,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for path in (REPOSITORY / "__main__.py", *REPOSITORY.glob("Pulumi*.yaml")):
        shutil.copy(path, target)
