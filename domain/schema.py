"""Checks documents against the JSON Schemas in ``schemas/``, with the standard library.

Only the keywords that these schemas use are supported, as in draft 2020-12; ``format: date-time``
is checked, too.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from .json_values import as_dict, as_list

SCHEMAS = Path(__file__).parent / "schemas"
_TYPES: Mapping[str, type] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
}  # fmt: skip
# Keywords without a check of their own; ``then`` and ``else`` are read with ``if``.
_IGNORED = {"$schema", "$defs", "title", "description", "then", "else"}
Error = tuple[str, str]
Check = Callable[[Any, Mapping[str, Any], str], Iterator[Error]]


@cache
def load(name: str) -> Mapping[str, Any]:
    """Return a schema by name, such as ``gate-result``."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def errors(value: Any, schema: Mapping[str, Any]) -> Iterator[Error]:
    """Yield ``(field, what is wrong)``; a field is a path such as ``evidence.scanner.log``."""

    def check(value: Any, part: Mapping[str, Any], path: str) -> Iterator[Error]:
        for keyword, rule in part.items():
            if keyword == "$ref":
                yield from check(value, schema["$defs"][rule.rpartition("/")[2]], path)
            elif keyword in _INSIDE:
                yield from _INSIDE[keyword](value, part, path, check)
            elif keyword not in _IGNORED and not _HOLDS[keyword](value, rule):
                yield path, f"is {repr(value)[:100]}"

    return check(value, schema, "")


def _is(value: Any, kind: str) -> bool:
    # True is an int too, and 1.0 is an integer.
    if kind == "integer":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and float(value).is_integer()
    return isinstance(value, _TYPES[kind])


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_same(value: Any, other: Any) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and value == other


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Each returns True for values of types that the keyword does not apply to.
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, rule: any(_is(value, kind) for kind in _listed(rule)),
    "const": _is_same,
    "enum": lambda value, rule: any(_is_same(value, keyword) for keyword in rule),
    "minimum": lambda value, rule: not _is_number(value) or not value < rule,
    "pattern": lambda value, rule: not isinstance(value, str) or bool(re.search(rule, value)),
    "format": lambda value, _: not isinstance(value, str) or _is_date(value),
    "minLength": lambda value, rule: not isinstance(value, str) or len(value) >= rule,
    "maxLength": lambda value, rule: not isinstance(value, str) or len(value) <= rule,
    "maxItems": lambda value, rule: len(as_list(value)) <= rule,
    "maxProperties": lambda value, rule: len(as_dict(value)) <= rule,
}


def _listed(rule: Any) -> list[str]:
    return [rule] if isinstance(rule, str) else rule


def _items(value: Any, part: Mapping[str, Any], path: str, check: Check) -> Iterator[Error]:
    for item in as_list(value):
        yield from check(item, part["items"], path)


def _required(value: Any, part: Mapping[str, Any], path: str, check: Check) -> Iterator[Error]:
    if isinstance(value, dict):
        yield from (
            (_at(path, required), "is missing")
            for required in part["required"]
            if required not in value
        )


def _properties(value: Any, part: Mapping[str, Any], path: str, check: Check) -> Iterator[Error]:
    for name, rule in part["properties"].items() if isinstance(value, dict) else ():
        if name in value:
            yield from check(value[name], rule, _at(path, name))


def _others(value: Any, part: Mapping[str, Any], path: str, check: Check) -> Iterator[Error]:
    rule, named = part["additionalProperties"], part.get("properties", {})
    for name in as_dict(value):
        if name in named:
            continue
        if rule is False:
            yield path or name, f"is {repr(value if path else value[name])[:100]}"
        else:
            yield from check(value[name], rule, _at(path, name))


def _one_of(value: Any, part: Mapping[str, Any], path: str, check: Check) -> Iterator[Error]:
    if sum(not any(check(value, option, path)) for option in part["oneOf"]) != 1:
        yield path, f"is {repr(value)[:100]}"


def _if(value: Any, part: Mapping[str, Any], path: str, check: Check) -> Iterator[Error]:
    holds = not any(check(value, part["if"], path))
    yield from check(value, part["then" if holds else "else"], path)


_INSIDE = {
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _others,
    "oneOf": _one_of,
    "if": _if,
}


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
