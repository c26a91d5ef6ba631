"""Finds a Java of a required version: on PATH, in JAVA_HOME, or where packages install it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

INSTALLED = Path("/usr/lib/jvm")


def find(versions: AbstractSet[int], installed: Path = INSTALLED) -> Path | None:
    """The first ``java`` whose major version is one of ``versions``, or None."""
    return next((java for java in _candidates(installed) if _version(java) in versions), None)


def _candidates(installed: Path) -> Iterator[Path]:
    if on_path := shutil.which("java"):
        yield Path(on_path)
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    yield from sorted(installed.glob("*/bin/java"), reverse=True)


def _version(java: Path) -> int | None:
    """17 for ``openjdk version "17.0.15"``; None if it does not run."""
    try:
        output = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(\d+)', output.stderr)
    return int(match[1]) if match else None
