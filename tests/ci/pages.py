"""The code blocks of docs/ci, and the scripts in them."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path.read_text() for path in sorted((ROOT / "docs" / "ci").glob("*.md"))}
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def blocks(page: str, language: str) -> list[str]:
    """The contents of the fences of ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.S | re.M)


def parsed(page: str, number: int = 0) -> Any:
    """A YAML block of ``page``."""
    return yaml.safe_load(blocks(page, "yaml")[number])


def script(lines: str | list[str]) -> str:
    """What a server runs of a list of commands."""
    return lines if isinstance(lines, str) else "\n".join(lines)


def of_groovy(text: str) -> list[str]:
    """The scripts of ``sh`` steps."""
    steps = re.findall(r"\bsh '''(.*?)'''|\bsh '([^'\n]+)'", text, re.S)
    return [long or short for long, short in steps]


def of_action(step: str) -> str:
    """The script of a step of action.yml, by its name."""
    [run] = [item["run"] for item in ACTION["runs"]["steps"] if item["name"] == step]
    return run
