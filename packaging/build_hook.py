"""Builds a wheel with one package, ``chatops_slack``, from the folders of this repository.

In the repository these are top-level packages with general names such as ``components``, which
would clash with others where the wheel is installed.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "chatops_slack"
# Packages that are imported from the wheel; the others are data, for Lambda and CodeBuild. domain
# is both, and imports itself relatively.
IMPORTED = ("components", "ops", "packs")
DATA = {
    "domain": ("*.py", "*.json"),
    "handlers": ("*.py",),
    "scan": ("*.py", "*.toml", "*.txt", "*.json", "*.yml", "go.mod", "go.sum"),
    "packs": ("*.txt",),
}
# Of ops/: the commands that read the Pulumi program, and what only they import.
NEED_PROGRAM = frozenset(
    {
        "access_rights.py", "configuration.py", "evidence_docs.py", "mock_monitor.py", "preflight",
        "program.py", "rights.py", "rights_table.py", "rotate.py", "smoke.py", "sonar.py",
    }
)  # fmt: skip
IMPORT = re.compile(r"^(\s*)(from|import) (components|domain|ops|packs)\b", re.MULTILINE)


class BuildHook(BuildHookInterface):  # pyright: ignore[reportMissingTypeArgument]
    """Adds the files, with absolute imports rewritten in the packages that are imported."""

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
                path = source.relative_to(root)
                if name != "ops" or path.parts[1] not in NEED_PROGRAM:
                    rewrite(source, str(path))
        for name, patterns in DATA.items():
            for pattern in patterns:
                for source in sorted((root / name).rglob(pattern)):
                    include[str(source)] = f"{PACKAGE}/{source.relative_to(root)}"
        typed = copies / "py.typed"
        typed.touch()
        include[str(typed)] = f"{PACKAGE}/py.typed"
