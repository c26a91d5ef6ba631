"""Reads settings of types that Pulumi does not have, and collects the errors in them."""

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import pulumi

from components import urls
from domain import durations
from domain.json_values import as_list, is_dict, is_list


class Reader:
    """Reads the settings of ``stack``; errors are collected in ``errors``, not raised.

    An error names the setting, the reason, and the command that fixes it.
    """

    def __init__(self, config: pulumi.Config, stack: str) -> None:
        self._config, self._stack = config, stack
        self.errors: list[str] = []

    def add_error(self, key: str, reason: str, example: str, flags: str = "") -> None:
        """Collect an error that setting ``key`` to ``example`` fixes.

        Without an example the command asks for the value, which keeps it out of the shell history.
        """
        words = (
            "pulumi config set",
            "--path" if re.search(r"[.\[]", key) else flags,
            shlex.quote(key),
            example,
            f"--stack {self._stack}",
        )
        self.errors.append(f"{key}: {reason}\n    {' '.join(filter(None, words))}")

    def add_unwanted(self, key: str, reason: str) -> None:
        """Collect an error that removing ``key`` fixes."""
        flags = "--path " if re.search(r"[.\[]", key) else ""
        self.errors.append(
            f"{key}: {reason}\n    pulumi config rm {flags}{shlex.quote(key)} --stack {self._stack}"
        )

    def text(self, key: str, pattern: str, kind: str, example: str) -> str:
        """Return what matches ``pattern``; ``kind`` says what that is."""
        value = self._config.get(key) or ""
        if not re.fullmatch(pattern, value):
            reason = f"{value!r} is not {kind}" if value else f"is missing; it is {kind}"
            self.add_error(key, reason, example)
        return value

    def url(self, key: str, kind: str, example: str) -> str:
        """Return a URL without password, query and fragment; the error does not show the value."""
        value = self._config.get(key) or ""
        if reason := urls.problem(value) if value else f"is missing; it is {kind}":
            self.add_error(key, reason, example)
        return value

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """Return one of ``allowed``."""
        return self.text(key, "|".join(allowed), f"one of {', '.join(allowed)}", allowed[0])

    def _parsed(self, key: str, kind: str, example: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(key)
        except (pulumi.ConfigTypeError, ValueError):
            self.add_error(key, f"{self._config.get(key)!r} is not {kind}", example)
            return None

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        """Return a whole number, ``default`` where it is none or not between ``low`` and ``high``.

        So what follows from a number is not checked with a wrong one.
        """
        value = self._parsed(key, "a whole number", str(default), self._config.require_int)
        if value is None:
            return default
        if low <= value <= high:
            return value
        self.add_error(key, f"{value} is not between {low} and {high}", str(default))
        return default

    def one_of_integers(self, key: str, allowed: tuple[int, ...], kind: str, default: int) -> int:
        """Return one of ``allowed``, which are of a ``kind``; ``default`` where it is none."""
        value = self._parsed(key, "a whole number", str(default), self._config.require_int)
        if value in allowed:
            return value
        if value is not None:
            reason = f"{value} is none of {kind}: {', '.join(map(str, allowed))}"
            self.add_error(key, reason, str(default))
        return default

    def boolean(self, key: str, default: str = "false") -> bool:
        """Return true or false."""
        return bool(self._parsed(key, "true or false", default, self._config.require_bool))

    def duration(self, key: str, low: str, high: str, default: str) -> int:
        """Return seconds, 0 where the value is wrong."""
        value = self._config.get(key) or ""
        seconds = durations.seconds(value)
        if seconds is None:
            self.add_error(key, f"{value!r} is not a duration such as 90m, 72h or 30d", default)
            return 0
        if not _seconds(low) <= seconds <= _seconds(high):
            self.add_error(key, f"{value} is not between {low} and {high}", default)
            return 0
        return seconds

    def string_list(self, key: str, pattern: str, kind: str, example: str) -> tuple[str, ...]:
        """Return a list of what matches ``pattern``, empty where nothing is set."""
        try:
            values: Any = self._config.get_object(key) or []
        except pulumi.ConfigTypeError:
            values = self._config.get(key)
        if not is_list(values):
            self.add_error(f"{key}[0]", f"{values!r} is not a list", example)
            return (example,)
        return self.matching(key, values, pattern, kind, example)

    def part_list(self, key: str, value: Any, if_empty: str, example: str) -> list[Any]:
        """Return the list ``value``, the part ``key`` of a setting, which may not be empty."""
        if value and not is_list(value):
            # The CLI does not replace it by a list.
            self.add_unwanted(key, f"{value!r} is not a list; remove it, and set {key}[0]")
        elif not value:
            self.add_error(f"{key}[0]", if_empty, example)
        return as_list(value)

    def matching(
        self, key: str, values: Sequence[Any], pattern: str, kind: str, example: str
    ) -> tuple[Any, ...]:
        """Return ``values`` of the list ``key``, each of which must match ``pattern``."""
        for index, value in enumerate(values):
            if not (isinstance(value, str) and re.fullmatch(pattern, value)):
                self.add_error(f"{key}[{index}]", f"{value!r} is not {kind}", example)
        return tuple(values)

    def mapping(
        self,
        key: str,
        example: str,
        entry: str = ".payments[0]",
        kind: str = "does not map apps to lists",
    ) -> dict[str, Any]:
        """Return a mapping, empty where nothing is set; ``entry`` is the path of an example."""
        try:
            value: Any = self._config.get_object(key) or {}
        except pulumi.ConfigTypeError:
            value = self._config.get(key)
        if not is_dict(value):
            self.add_error(f"{key}{entry}", f"{value!r} {kind}", example)
            return {}
        return value


def _seconds(duration: str) -> int:
    seconds = durations.seconds(duration)
    assert seconds is not None
    return seconds
