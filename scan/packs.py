"""Where a build finds what its scanners need; nothing is installed in a build.

CodeBuild unpacks them beside ``scan/``, since they are part of its source. Elsewhere the packages
of the Python that runs this are used.
"""

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "packs"


def python_path(name: str, *more: Path) -> dict[str, str]:
    """The variable that lets a scanner's Python import its packages, and those in ``more``."""
    packages = FOLDER / name / "python"
    folders = [packages] if packages.is_dir() else []
    # The zips that Pulumi makes have no modes.
    for path in (packages / "bin").glob("*"):
        path.chmod(0o755)
    both = [str(folder) for folder in (*more, *folders)]
    return {"PYTHONPATH": ":".join(both)} if both else {}
