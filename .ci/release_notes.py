"""Prints what CHANGELOG.md says of the version in pyproject.toml, as the notes of its release.

`release_notes.py v2.0.0` also checks that the tag is that version. Exit code 1 says what is
missing.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def version(project: str) -> str:
    """The version in the text of pyproject.toml, the one place that has it."""
    return tomllib.loads(project)["project"]["version"]


def notes(changelog: str, of: str) -> str:
    """The section of a version, without its heading.

    Raises:
        ValueError: it has none with a date.
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
