"""Every way to end without a gate stands in one place."""

import ast
import re
from pathlib import Path

import scan
from scan.broken import Broken

ROOM = Path(scan.__file__).parent


def test_the_tree_of_codes_is_what_the_scan_raises():
    raised = {
        str(call.args[0].value)
        for file in ROOM.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"Broken", "_Passing"}
        and isinstance(call.args[0], ast.Constant)
    }
    tree = (Broken.__doc__ or "").split("        Broken\n")[1]

    assert sorted(re.findall(r"\b(?!SonarQube\b)[A-Z]\w+", tree)) == sorted(raised)
