"""Type checks for parsed JSON or YAML that has not been validated."""

from typing import Any, TypeGuard


def is_list(value: object) -> TypeGuard[list[Any]]:
    """``isinstance``, narrowed to ``list[Any]`` for the type checker."""
    return isinstance(value, list)


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """``isinstance``, narrowed to ``dict[str, Any]``: keys of JSON objects are strings."""
    return isinstance(value, dict)


def as_list(value: object) -> list[Any]:
    """Return ``value`` if it is a list, else an empty list."""
    return value if is_list(value) else []


def as_dict(value: object) -> dict[str, Any]:
    """Return ``value`` if it is a mapping, else an empty mapping."""
    return value if is_dict(value) else {}
