"""Installs Python packages for a platform, by locks with hashes."""

import shutil
import subprocess
import sys
from pathlib import Path

from packs.errors import PackError
from packs.platforms import Platform

# In ``rules.txt`` are packages of which only the data is used, without what they depend on.
LOCKS = ("requirements.txt", "rules.txt")


def install(lock: Path, platform: Platform, to: Path) -> None:
    """Install the wheels of ``lock`` into the folder ``to``.

    Raises:
        PackError: one could not be fetched, has another hash, or there is none for the platform.
    """
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
