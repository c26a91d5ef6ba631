"""Builds tools that are written in Go, for any platform, with a Go of its own."""

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from packs import python
from packs.errors import PackError
from packs.platforms import Platform, of_this_machine

MODULE = "go.mod"
LOCKS = (MODULE, "go.sum")
# Go itself comes as a wheel, by its hash; with what it downloads and compiles it is kept here.
FOLDER = Path.home() / ".cache" / "chatops-slack" / "go"
TOOLCHAIN = Path(__file__).parent / "requirements.txt"


def build(folder: Path, platform: Platform, to: Path) -> None:
    """Build the tools that ``go.mod`` in ``folder`` names, with the modules that ``go.sum`` has.

    Raises:
        PackError: a module could not be fetched, or has another hash.
    """
    to.mkdir(parents=True)
    flags = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=")
    _run(folder, platform, "build", *flags, "-o", f"{to}/", "tool")


def folder_of(folder: Path, module: str) -> Path:
    """Where a module is that ``go.mod`` in ``folder`` requires, fetched and checked.

    Raises:
        PackError: it could not be fetched, or has another hash.
    """
    output = _run(folder, of_this_machine(), "mod", "download", "-json", module)
    return Path(json.loads(output)["Dir"])


def _run(folder: Path, platform: Platform, *arguments: str) -> str:
    system, architecture = platform.go
    environment = {
        **os.environ,
        "GOPATH": str(FOLDER / "path"),
        "GOCACHE": str(FOLDER / "cache"),
        "GOTOOLCHAIN": "local",
        # It must not change what go.mod and go.sum say.
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
        "GOOS": system,
        "GOARCH": architecture,
    }
    result = subprocess.run(
        [_go(), *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        why = " ".join(result.stderr.split())[-1000:]
        raise PackError(f"The tools of {folder / MODULE} could not be built: {why}")
    return result.stdout


def _go() -> Path:
    """The pinned Go for this machine, installed once."""
    key = hashlib.sha256(TOOLCHAIN.read_bytes()).hexdigest()[:16]
    home = FOLDER / f"toolchain-{key}"
    if not home.is_dir():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="new-") as new:
            python.install(TOOLCHAIN, of_this_machine(), Path(new) / "python")
            (Path(new) / "python").replace(home)
    return home / "go" / "bin" / "go"
