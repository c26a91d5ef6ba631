"""What a handler reads from its environment is what the program puts there."""

import ast
from collections.abc import Iterator
from pathlib import Path

from components.handler_function import HANDLERS
from tests.support.recording import Built

RUNTIME = {"AWS_REGION"}  # set by Lambda itself


def read_by(module: Path, seen: set[Path]) -> Iterator[str]:
    """The variables that a handler, and the modules of its package that it imports, read."""
    seen.add(module)
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Subscript(
                value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))
            ):
                yield name
            case ast.Call(
                func=ast.Attribute(attr="get", value=ast.Attribute(attr="environ")),
                args=[ast.Constant(value=str(name))],
            ):
                yield name
            case ast.ImportFrom(module="handlers", names=names):
                for item in names:
                    file = HANDLERS / f"{item.name}.py"
                    if file not in seen:
                        yield from read_by(file, seen)
            case ast.ImportFrom(module=str(whole)) if whole.startswith("handlers."):
                file = HANDLERS / f"{whole.removeprefix('handlers.')}.py"
                if file not in seen:
                    yield from read_by(file, seen)


def test_each_function_has_the_environment_variables_it_reads(everything: Built):
    wrong = {}
    for function in everything.all("lambda/function:Function"):
        given = set(function.inputs["environment"]["variables"])
        module = function.inputs["handler"].split(".")[1]
        read = set(read_by(HANDLERS / f"{module}.py", set())) - RUNTIME
        if read - {"EVIDENCE_REGION"} != given - {"EVIDENCE_REGION"}:
            wrong[function.name] = (read, given)

    assert wrong == {}
