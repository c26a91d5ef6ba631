"""Who may import what: domain needs the standard library only, the others not each other."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Beside the standard library and themselves. What ``ops`` runs of ``scan`` are its API calls.
MAY = {
    "domain": set(),
    "handlers": {"domain", "boto3", "botocore"},
    "scan": {
        "domain", "boto3", "botocore", "certifi", "identify", "jproperties", "pygments",
        "pysonar_scanner", "requests",
    },
    "components": {"domain", "pulumi", "pulumi_aws"},
    "ops": {
        "domain", "components", "scan", "samples", "boto3", "botocore", "pulumi", "typer", "rich",
        "yaml",
    },
}  # fmt: skip


def imports(folder: str) -> Iterator[tuple[str, ast.Import | ast.ImportFrom]]:
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield str(file.relative_to(ROOT)), node


@pytest.mark.parametrize("folder", MAY)
def test_a_package_imports_only_what_it_may(folder: str):
    wrong = [
        (file, name)
        for file, node in imports(folder)
        if not (isinstance(node, ast.ImportFrom) and node.level)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [item.name for item in node.names]
        )
        if name.partition(".")[0] not in {*sys.stdlib_module_names, *MAY[folder], folder}
    ]

    assert wrong == []


def test_domain_imports_itself_relatively():
    """So that the same files serve a wheel and the zips of Lambda and CodeBuild."""
    assert [
        file
        for file, node in imports("domain")
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domain")
    ] == []


def test_domain_reads_no_environment():
    sources = {path.name: path.read_text() for path in (ROOT / "domain").glob("*.py")}

    assert [name for name, source in sources.items() if "environ" in source] == []
