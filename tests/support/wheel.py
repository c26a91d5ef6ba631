"""The package as other programs install it."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def build_wheel(folder: Path) -> Path:
    """Build the wheel into an empty folder; return its path."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    [wheel] = folder.iterdir()
    return wheel


def unpack(wheel: Path, packages: Path) -> None:
    """Install the wheel into a folder of packages."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)


def lent_environment(wheel: Path, folder: Path) -> Path:
    """Make an environment with the wheel in ``folder``; what it needs is of this environment."""
    venv.create(folder, with_pip=False)
    [packages] = folder.glob("lib/python*/site-packages")
    unpack(wheel, packages)
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder
