"""All errors that end a scan without a gate are defined in one place."""

import ast
import re
from pathlib import Path

import scan
from scan.errors import IN_THE_BYTES, ScanError

ROOM = Path(scan.__file__).parent


def test_the_tree_of_codes_is_what_the_scan_raises():
    raised = {
        str(call.args[0].value)
        for file in ROOM.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"ScanError", "_Passing"}
        and isinstance(call.args[0], ast.Constant)
    }
    tree = (ScanError.__doc__ or "").split("        ScanError\n")[1]

    assert sorted(re.findall(r"\b(?!SonarQube\b)[A-Z]\w+", tree)) == sorted(raised)


def test_an_error_of_the_zip_itself_is_permanent():
    branch = (ScanError.__doc__ or "").split("what it is:")[1].split("how large it is:")[0]

    assert set(re.findall(r"[A-Z]\w+", branch)) == IN_THE_BYTES
    assert not any(ScanError(code, "", "").retryable for code in IN_THE_BYTES)


def test_an_error_of_settings_or_services_allows_another_scan():
    others = {"TooManyFiles", "UploadUnreadable", "BadToken", "OutOfMemory", "NothingAnalysed"}

    assert all(ScanError(code, "", "").retryable for code in others)
