"""Puts the folders of this repository into one package of a wheel, ``chatops_slack``.

In the repository they are packages of their own, ``components`` and ``domain``, and data,
``handlers`` and ``scan``. In another environment such names would clash.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "chatops_slack"
# What is imported from the wheel; the rest is data: packaged for Lambda and CodeBuild as it is.
IMPORTED = ("components",)
DATA = {"domain": ("*.py",), "handlers": ("*.py",), "scan": ("*.py", "*.txt", "*.json", "*.yml")}
IMPORT = re.compile(r"^(\s*)(from|import) (components|domain)\b", re.MULTILINE)


class BuildHook(BuildHookInterface):  # pyright: ignore[reportMissingTypeArgument]
    """Finds the files, and rewrites the absolute imports of what is imported."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root, include = Path(self.root), build_data["force_include"]
        folder = tempfile.TemporaryDirectory()
        self._rewritten = folder  # until the wheel is written
        copies = Path(folder.name)

        def rewrite(source: Path, target: str) -> None:
            copy = copies / target
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(IMPORT.sub(rf"\1\2 {PACKAGE}.\3", source.read_text()))
            include[str(copy)] = f"{PACKAGE}/{target}"

        rewrite(root / "packaging" / "chatops_slack.py", "__init__.py")
        for name in IMPORTED:
            for source in sorted((root / name).rglob("*.py")):
                rewrite(source, str(source.relative_to(root)))
        for name, patterns in DATA.items():
            for pattern in patterns:
                for source in sorted((root / name).rglob(pattern)):
                    include[str(source)] = f"{PACKAGE}/{source.relative_to(root)}"
        typed = copies / "py.typed"
        typed.touch()
        include[str(typed)] = f"{PACKAGE}/py.typed"
