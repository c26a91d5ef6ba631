"""Makes packs, and stores them in ``~/.cache/chatops-slack/packs`` by what they are made of."""

import contextlib
import datetime
import hashlib
import json
import os
import re
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packs import golang, python
from packs.errors import PackError
from packs.platforms import Platform

SCAN = Path(__file__).parent.parent / "scan"
# The pack of scan/ itself: boto3, and what tells languages apart.
OWN = "scan"
CUSTOM = "custom"
FOLDER = Path.home() / ".cache" / "chatops-slack" / "packs"
# Part of each name: packs that are made in another way are other packs.
FORMAT = "2"
# What an installer notes about itself, and hashes of scripts that name its own Python.
NOTES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"}
UNUSED_SECONDS = 30 * 86_400
EARLIEST = (1980, 1, 1, 0, 0, 0)
# In a pack: the names of its programs, since Pulumi's archives have no modes.
PROGRAMS = "programs"


class Pack(NamedTuple):
    """What the scanner ``name`` needs on a platform, by the locks in ``folder``.

    ``python/`` has the packages of ``requirements.txt`` and ``rules.txt``, which uv compiled with
    hashes; ``bin/`` the tools of ``go.mod``; ``files/`` the other files of a folder of your own.
    """

    name: str
    platform: Platform
    folder: Path

    @property
    def path(self) -> Path:
        """Where it is stored, once it has been made."""
        sha256 = hashlib.sha256(json.dumps([FORMAT, self._data]).encode())
        for file in self._files:
            sha256.update(file.relative_to(self.folder).as_posix().encode() + b"\0")
            sha256.update(hashlib.sha256(file.read_bytes()).digest())
        return FOLDER / f"{self.name}-{self.platform.name}-{sha256.hexdigest()[:16]}.zip"

    @property
    def is_needed(self) -> bool:
        """Whether the scanner needs more than is in ``scan/`` and in the build's image."""
        return bool(self._files)

    @property
    def day(self) -> datetime.date | None:
        """The day of the data that is packed, None where there is none.

        It is part of a version without a tag (https://go.dev/ref/mod#pseudo-versions).
        """
        if not self._data:
            return None
        required = (self.folder / golang.MODULE).read_text(encoding="utf-8")
        version = re.escape(self._data["module"]) + r" v[\d.]+-(?:0\.)?(\d{8})\d{6}-"
        match = re.search(version, required)
        return datetime.date.fromisoformat(match[1]) if match else None

    @property
    def _files(self) -> list[Path]:
        if self.name == CUSTOM:
            return sorted(path for path in self.folder.rglob("*") if path.is_file())
        names = (*python.LOCKS, *golang.LOCKS)
        return [self.folder / name for name in names if (self.folder / name).is_file()]

    @property
    def _data(self) -> dict[str, Any] | None:
        """The table ``pack`` of the recipe: a folder of a Go module to pack as one zip."""
        recipe = self.folder / "recipe.toml"
        if self.name == CUSTOM or not recipe.is_file():
            return None
        return tomllib.loads(recipe.read_text(encoding="utf-8")).get("pack")

    def make(self) -> Path:
        """Make it unless it is stored; returns its path.

        Raises:
            PackError: something could not be fetched, has another hash, or is not for the platform.
        """
        path = self.path
        if path.is_file():
            return path
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="new-") as folder:
            content, packed = Path(folder) / "content", Path(folder) / "pack.zip"
            content.mkdir()
            self._fill(content)
            write(content, packed)
            packed.replace(path)
        return path

    def stored(self) -> Path:
        """The stored pack.

        Raises:
            PackError: it has not been made.
        """
        path = self.path
        if not path.is_file():
            what = "scan/ itself" if self.name == OWN else f"scanner {self.name}"
            raise PackError(
                f"What {what} needs on {self.platform.name} has not been fetched. "
                f"Run `make setup`, or: "
                f"python -m {__package__} --for {self.platform.option} {self.name}"
            )
        with contextlib.suppress(OSError):
            os.utime(path)
        return path

    def _fill(self, content: Path) -> None:
        for lock in python.LOCKS:
            if (self.folder / lock).is_file():
                python.install(self.folder / lock, self.platform, content / "python")
        if (self.folder / golang.MODULE).is_file():
            golang.build(self.folder, self.platform, content / "bin")
        if self._data:
            self._zip_data(content, **self._data)
        if self.name == CUSTOM:
            for file in self._files:
                copy = content / "files" / file.relative_to(self.folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
                copy.chmod(file.stat().st_mode & 0o755)

    def _zip_data(self, content: Path, *, module: str, folder: str, archive: str) -> None:
        source = golang.folder_of(self.folder, module) / folder
        (content / archive).parent.mkdir(parents=True)
        write(source, content / archive)


def remove_unused() -> None:
    """Remove the packs that nothing has used for a month, such as those of earlier locks."""
    for path in FOLDER.glob("*.zip"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNUSED_SECONDS:
                path.unlink()


def of(name: str, platform: Platform, custom: Path | None = None) -> Pack:
    """The pack of a scanner, of ``scan/`` itself, or of the folder ``custom``."""
    folders = {OWN: SCAN, "sonarqube": SCAN / "sonarqube", CUSTOM: custom or Path(os.devnull)}
    return Pack(name, platform, folders.get(name, SCAN / "recipes" / name))


def write(content: Path, to: Path) -> None:
    """Write the zip of the folder ``content``, in the same bytes for the same files."""
    names = sorted(_names(content))
    programs = [name for name in names if os.access(content / name, os.X_OK)]
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in names:
            archive.writestr(_entry(name), (content / name).read_bytes())
        if programs:
            archive.writestr(_entry(PROGRAMS), "".join(f"{name}\n" for name in programs))


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EARLIEST)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _names(content: Path) -> Iterator[str]:
    """The files that belong into a pack: without notes of the installer and its scripts."""
    for path in content.rglob("*"):
        if path.is_dir() or path.name in NOTES or path.name == ".lock":
            continue
        # Of AWS's services scan/ calls S3 only; the descriptions of all are 16 MB.
        if path.match("botocore/data/*/*/*") and path.parts[-3] != "s3":
            continue
        # They begin with the path of a Python on this machine.
        if path.match("python/bin/*") and path.read_bytes()[:2] == b"#!":
            continue
        yield path.relative_to(content).as_posix()
