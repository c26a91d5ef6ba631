"""Git repositories that tests fill."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

# Neither the settings nor the hooks of this machine, and the same commits each time.
SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2026-01-01T10:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T10:00:00Z",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


@dataclass(frozen=True)
class Repository:
    """A work tree."""

    path: Path

    def git(self, *arguments: str) -> str:
        environment = {**os.environ, **SETTINGS}
        return subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def write(self, **files: str | bytes) -> None:
        written(self.path, files)

    def commit(self, files: dict[str, str | bytes | tuple[str]] | None = None) -> str:
        """Write and commit ``files``; return the commit's id."""
        written(self.path, files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "work")
        return self.git("rev-parse", "HEAD")


def written(folder: Path, files: Mapping[str, str | bytes | tuple[str]]) -> Path:
    """Write ``files`` below ``folder``; a tuple is a link to its only item."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            path.symlink_to(content[0])
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Repository]:
    """Make a repository with one commit of these files, or none."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, SETTINGS[name])

    def make(
        files: dict[str, str | bytes | tuple[str]] | None = None, name: str = "payments"
    ) -> Repository:
        path = tmp_path / name
        path.mkdir(parents=True)
        made = Repository(path)
        made.git("init", "--quiet", "--initial-branch", "main")
        if files:
            made.commit(files)
        return made

    return make
