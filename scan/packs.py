"""Where a build finds what its scanners need; nothing is installed in a build.

CodeBuild unpacks them beside ``scan/``, since they are part of its source. Elsewhere the packages
of the Python that runs this are used, and programs on the PATH.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "packs"
# Go comes as a Python package.
PROGRAMS = ("bin", "python/bin", "python/go/bin")


def environment(name: str, *more: Path) -> dict[str, str]:
    """The variables that let a scanner find its packages, those in ``more``, and its programs."""
    pack = FOLDER / name
    # The archives that Pulumi makes have no modes.
    if (programs := pack / "programs").is_file():
        for program in programs.read_text(encoding="utf-8").splitlines():
            if not os.access(pack / program, os.X_OK):
                (pack / program).chmod(0o755)
    python = [str(folder) for folder in (*more, pack / "python") if folder.is_dir()]
    folders = [str(pack / folder) for folder in PROGRAMS if (pack / folder).is_dir()]
    return {
        **({"PYTHONPATH": os.pathsep.join(python)} if python else {}),
        **({"PATH": os.pathsep.join([*folders, os.environ["PATH"]])} if folders else {}),
    }
