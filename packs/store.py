"""Makes packs, and stores them in ``~/.cache/chatops-slack/packs`` by what they are made of."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packs.platforms import Platform

SCAN = Path(__file__).parent.parent / "scan"
# The pack of scan/ itself: boto3, and what tells languages apart.
OWN = "scan"
FOLDER = Path.home() / ".cache" / "chatops-slack" / "packs"
# Part of each name: packs that are made in another way are other packs.
FORMAT = "1"
# What an installer notes about itself, and hashes of scripts that name its own Python.
NOTES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"}
EARLIEST = (1980, 1, 1, 0, 0, 0)


class PackError(Exception):
    """A pack could not be made, or is missing; the message is a sentence that says what to do."""


def lock_of(name: str) -> Path:
    """The hashed lock of a scanner, or of ``scan/`` itself."""
    folders = {OWN: SCAN, "sonarqube": SCAN / "sonarqube"}
    return folders.get(name, SCAN / "recipes" / name) / "requirements.txt"


def path_of(name: str, lock: Path, platform: Platform) -> Path:
    """Where the pack is stored, once it has been made."""
    key = hashlib.sha256(b"\0".join([FORMAT.encode(), lock.read_bytes()])).hexdigest()[:16]
    return FOLDER / f"{name}-{platform.name}-{key}.zip"


def stored(name: str, lock: Path, platform: Platform) -> Path:
    """The stored pack.

    Raises:
        PackError: it has not been made.
    """
    path = path_of(name, lock, platform)
    if not path.is_file():
        what = "scan/ itself" if name == OWN else f"scanner {name}"
        raise PackError(
            f"What {what} needs on {platform.name} has not been fetched. Run `make setup`, or: "
            f"python -m {__package__} {name}"
        )
    return path


def make(name: str, lock: Path, platform: Platform) -> Path:
    """Make the pack unless it is stored; returns its path.

    Raises:
        PackError: a package could not be fetched, has another hash, or no wheel for the platform.
    """
    path = path_of(name, lock, platform)
    if path.is_file():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="new-") as folder:
        content, packed = Path(folder) / "content", Path(folder) / "pack.zip"
        _install(lock, platform, content / "python")
        write(content, packed)
        packed.replace(path)
    return path


def _install(lock: Path, platform: Platform, to: Path) -> None:
    command = (
        *(_uv(), "pip", "install", "--quiet", "--target", to, *platform.uv),
        *("--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirement", lock),
    )
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        why = " ".join(result.stderr.split())[:1000]
        raise PackError(f"The packages of {lock} could not be fetched: {why}")


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    if uv := str(beside) if beside.is_file() else shutil.which("uv"):
        return uv
    raise PackError("uv is missing: run `make setup`, or install it from the package index.")


def write(content: Path, to: Path) -> None:
    """Write the zip of the folder ``content``, in the same bytes for the same files."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(_names(content)):
            path = content / name
            info = zipfile.ZipInfo(name, EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            archive.writestr(info, path.read_bytes())


def _names(content: Path) -> Iterator[str]:
    """The files that belong into a pack: without notes of the installer and its scripts."""
    for path in content.rglob("*"):
        if path.is_dir() or path.name in NOTES or path.name == ".lock":
            continue
        # Of AWS's services scan/ calls S3 only; the descriptions of all are 16 MB.
        if path.match("botocore/data/*/*/*") and path.parts[-3] != "s3":
            continue
        # They begin with the path of a Python on this machine.
        if path.parent.name == "bin" and path.read_bytes()[:2] == b"#!":
            continue
        yield path.relative_to(content).as_posix()
