"""Imports between packages: domain uses only the standard library, the others not each other."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What Lambda runs; the other modules of handlers are a library.
ENTRIES = {
    "approval", "callback", "check_build_status", "notify", "open_scan", "rescan", "approver_audit",
    "uploader",
}  # fmt: skip
# Besides the standard library and themselves. ``ops`` uses only the API calls of ``scan``.
MAY = {
    "domain": set(),
    "handlers": {"domain", "boto3", "botocore"},
    "scan": {
        "domain", "boto3", "botocore", "certifi", "identify", "jproperties", "pygments",
        "pysonar_scanner", "requests", "s3transfer",
    },
    "components": {"domain", "packs", "pulumi", "pulumi_aws", "yaml"},
    "packs": {"yaml"},
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
    """So that the same files work in a wheel and in the zips of Lambda and CodeBuild."""
    assert [
        file
        for file, node in imports("domain")
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domain")
    ] == []


def library() -> dict[str, str]:
    """The sources of domain, and of the modules in handlers that are no entry modules."""
    return {
        f"{folder}/{file.stem}": file.read_text()
        for folder in ("domain", "handlers")
        for file in sorted((ROOT / folder).glob("*.py"))
        if folder == "domain" or file.stem not in ENTRIES
    }


def test_a_library_reads_no_environment():
    assert [name for name, source in library().items() if "environ" in source] == []


def test_only_one_function_of_a_library_makes_clients():
    makers = {
        (name, getattr(node, "name", "at import"))
        for name, source in library().items()
        for node in ast.parse(source).body
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("client", "resource"))
    }

    assert makers == {("handlers/aws", "client")}


def test_an_entry_is_a_module_with_a_handler():
    assert {
        file.stem
        for file in (ROOT / "handlers").glob("*.py")
        if any(
            isinstance(node, ast.FunctionDef) and node.name == "handler"
            for node in ast.parse(file.read_text()).body
        )
    } == ENTRIES
