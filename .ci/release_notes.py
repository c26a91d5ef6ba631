"""Prints the release notes: the section of CHANGELOG.md for the version in pyproject.toml.

`release_notes.py v2.0.0` also checks that the tag matches the version. Exit code 1: stderr says
what is wrong.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def version(project: str) -> str:
    """Return the version in the text of pyproject.toml."""
    return tomllib.loads(project)["project"]["version"]


def notes(changelog: str, of: str) -> str:
    """Return the section of a version, without its heading.

    Raises:
        ValueError: there is no section with a date for it.
    """
    heading = rf"^## {re.escape(of)} - \d{{4}}-\d\d-\d\d\n"
    match = re.search(rf"{heading}(?P<notes>.*?)(?=^## |\Z)", changelog, re.M | re.S)
    if not match:
        raise ValueError(f"CHANGELOG.md has no section `## {of} - YYYY-MM-DD`")
    return match["notes"].strip() + "\n"


def main(arguments: Sequence[str]) -> int:
    current = version((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tag = next(iter(arguments), f"v{current}")
    try:
        if tag != f"v{current}":
            raise ValueError(f"the tag is {tag}, pyproject.toml has {current}")
        text = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), current)
    except ValueError as missing:
        print(f"✘ {missing}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
