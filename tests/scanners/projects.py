"""Real projects, from package registries by their ordinary clients."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from packs import golang


def wheel(name: str) -> dict[str, bytes]:
    """The files of a wheel on the package index, such as ``flask==2.0.0``."""
    with TemporaryDirectory() as folder:
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
        run(*pip, "--only-binary", ":all:", "--dest", folder, name)
        [path] = Path(folder).iterdir()
        with zipfile.ZipFile(path) as archive:
            return {item.filename: archive.read(item) for item in archive.infolist()}


def npm(name: str) -> dict[str, bytes]:
    """The files of an npm package, such as ``express@4.16.0``."""
    with TemporaryDirectory() as folder:
        run("npm", "pack", "--silent", "--pack-destination", folder, name)
        [path] = Path(folder).iterdir()
        with tarfile.open(path) as archive:
            return {
                item.name: opened.read()
                for item in archive.getmembers()
                if item.isfile() and (opened := archive.extractfile(item))
            }


def module(name: str) -> dict[str, bytes]:
    """The files of a Go module, such as ``github.com/gorilla/mux@v1.8.0``."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "go.mod").write_text("module empty\n")
        source = golang.folder_of(Path(folder), name)
    return {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }


def run(*command: str | Path) -> None:
    """Run a client of a registry."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
