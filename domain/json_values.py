"""Parsed JSON, or YAML, of which nobody knows yet whether it has the form that it should have."""

from typing import Any, TypeGuard


def is_list(value: object) -> TypeGuard[list[Any]]:
    """As ``isinstance`` says, for the type checker, too."""
    return isinstance(value, list)


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """As ``isinstance`` says, for the type checker, too; JSON has no keys but texts."""
    return isinstance(value, dict)


def as_list(value: object) -> list[Any]:
    """Return ``value`` where it is a list, otherwise an empty one."""
    return value if is_list(value) else []


def as_dict(value: object) -> dict[str, Any]:
    """Return ``value`` where it is a mapping, otherwise an empty one."""
    return value if is_dict(value) else {}
