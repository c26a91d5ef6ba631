"""Reads settings of the types that Pulumi's own lack, and notes what is wrong with them."""

import re
import shlex
from collections.abc import Callable
from typing import Any

import pulumi

from domain import durations


class Reader:
    """Reads the settings of ``stack``; each wrong one becomes one of ``problems``, no error.

    A problem names the setting, what is wrong with it, and the command that mends it.
    """

    def __init__(self, config: pulumi.Config, stack: str) -> None:
        self._config, self._stack = config, stack
        self.problems: list[str] = []

    def wrong(self, key: str, why: str, example: str, flags: str = "") -> None:
        """Note what is wrong, and that setting ``key`` to ``example`` mends it.

        Without an example the command asks for the value, which is then in no shell's history.
        """
        words = (
            "pulumi config set",
            "--path" if "[" in key else flags,
            shlex.quote(key),
            example,
            f"--stack {self._stack}",
        )
        self.problems.append(f"{key}: {why}\n    {' '.join(filter(None, words))}")

    def superfluous(self, key: str, why: str) -> None:
        """Note what is wrong, and that removing ``key`` mends it."""
        flags = "--path " if re.search(r"[.\[]", key) else ""
        self.problems.append(
            f"{key}: {why}\n    pulumi config rm {flags}{shlex.quote(key)} --stack {self._stack}"
        )

    def text(self, key: str, pattern: str, why: str, example: str) -> str:
        """Return what matches ``pattern``; ``why`` says what that is."""
        value = self._config.get(key) or ""
        if not re.fullmatch(pattern, value):
            self.wrong(
                key, f"{value!r} is not {why}" if value else f"is missing; it is {why}", example
            )
        return value

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """Return one of ``allowed``."""
        return self.text(key, "|".join(allowed), f"one of {', '.join(allowed)}", allowed[0])

    def _parsed(self, key: str, kind: str, example: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(key)
        except (pulumi.ConfigTypeError, ValueError):
            self.wrong(key, f"{self._config.get(key)!r} is not {kind}", example)
            return None

    def whole(self, key: str, low: int, high: int, usual: int) -> int:
        """Return a whole number, ``usual`` where it is none."""
        value = self._parsed(key, "a whole number", str(usual), self._config.require_int)
        if value is None:
            return usual
        if not low <= value <= high:
            self.wrong(key, f"{value} is not between {low} and {high}", str(usual))
        return value

    def one_number(self, key: str, allowed: tuple[int, ...], kind: str, usual: int) -> int:
        """Return one of ``allowed``, which are of a ``kind``; ``usual`` where it is none."""
        value = self._parsed(key, "a whole number", str(usual), self._config.require_int)
        if value in allowed:
            return value
        if value is not None:
            why = f"{value} is none of {kind}: {', '.join(map(str, allowed))}"
            self.wrong(key, why, str(usual))
        return usual

    def flag(self, key: str, usual: str = "false") -> bool:
        """Return true or false."""
        return bool(self._parsed(key, "true or false", usual, self._config.require_bool))

    def duration(self, key: str, low: str, high: str, usual: str) -> int:
        """Return seconds, 0 where the value is wrong."""
        value = self._config.get(key) or ""
        seconds = durations.seconds(value)
        if seconds is None:
            self.wrong(key, f"{value!r} is not a duration such as 90m, 72h or 30d", usual)
            return 0
        if not _seconds(low) <= seconds <= _seconds(high):
            self.wrong(key, f"{value} is not between {low} and {high}", usual)
            return 0
        return seconds

    def several(self, key: str, pattern: str, kind: str, example: str) -> tuple[str, ...]:
        """Return a list of what matches ``pattern``, empty where nothing is set."""
        try:
            values = self._config.get_object(key) or []
        except pulumi.ConfigTypeError:
            values = self._config.get(key)
        if not isinstance(values, list):
            self.wrong(f"{key}[0]", f"{values!r} is not a list", example)
            return (example,)
        for place, value in enumerate(values):
            if not (isinstance(value, str) and re.fullmatch(pattern, value)):
                self.wrong(f"{key}[{place}]", f"{value!r} is not {kind}", example)
        return tuple(values)

    def mapped(self, key: str, example: str) -> dict[str, Any]:
        """Return a mapping of apps, empty where nothing is set."""
        try:
            value = self._config.get_object(key) or {}
        except pulumi.ConfigTypeError:
            value = self._config.get(key)
        if not isinstance(value, dict):
            self.wrong(f"{key}.payments[0]", f"{value!r} does not map apps to lists", example)
            return {}
        return value


def _seconds(duration: str) -> int:
    seconds = durations.seconds(duration)
    assert seconds is not None
    return seconds
