"""Recipes of scanners: what they read, how they report it, and their settings files.

Each is a file of data, ``scan/recipes/<name>/recipe.toml``.
"""

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

FOLDER = Path(__file__).parent.parent / "recipes"
SETS = {"languages", "leavesOut", "leavesOutUnless", "unparsed"}
# Separators of words within the argument of a shell's ``-c``.
SHELL = re.compile(r"[\s;&|()`<>\"']+")


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """Files of an upload that a tool would read as its settings.

    ``glob`` matches their lower-case name or, with a slash in it, is the end of their path.
    ``excludes`` is true if they can only leave something out. They have no effect if one of the
    options ``off`` is in the tool's command, or if nothing in them matches ``holds``.
    """

    glob: str
    excludes: bool = False
    off: tuple[str, ...] = ()
    holds: re.Pattern[bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class Aliases:
    """Ids by which another tool knows the rules that ``pattern`` matches, such as B602 for S602."""

    pattern: re.Pattern[str]
    alias: str

    def of(self, rule: str) -> set[str]:
        """The alias of ``rule``, if it has one."""
        match = self.pattern.fullmatch(rule)
        return {match.expand(self.alias)} if match else set()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A known tool; ``name`` is for people, ``commands`` are names of its executable.

    In SARIF its name is one of ``drivers``.

    How it runs:
        ``command``: the words of its command, with {python}, {pack} (the folder of what was packed
            for it), {source} and {sarif}; without it, the tool is known to ``customScanner`` only.
        ``purpose``: what it looks for: code, infrastructure, secrets or dependencies. Only those
            of the first two say that code was analysed, where one for code is run as well.
        ``by_file``: whether it looks at each file by itself, and at one after the other: then it
            runs on parts of the upload, as many at a time as the machine has cores.

    What it reads:
        ``languages``: tags of ``scan.language``, or None if it reads all text.
        ``names``: globs of the file names that it reads.
        ``leaves_out``: folders that it skips unless its command has one of ``leaves_out_unless``.
        ``utf8``: whether it assumes UTF-8 for all text.

    How it reports what it read:
        ``artifacts``: whether every artifact in its SARIF is an analysed file.
        ``unparsed``: ids of results and notifications about files that it could not parse.
        ``warnings``: whether its warnings, too, mean that a file was not read.
        ``own_json``: whether it writes a JSON file of its own (see ``semgrep``).
        ``output``: matches lines of its output; the groups are a file that it ``analysed``, or an
        ``unread`` file and the ``reason``, or a ``problem`` without a file.

    ``settings`` are files of an upload that it would read as its settings. ``aliases`` are ids by
    which other tools know its rules; ``severities`` are those of rules whose SARIF says others.
    """

    name: str
    commands: tuple[str, ...]
    drivers: tuple[str, ...]
    languages: frozenset[str] | None = None
    names: tuple[str, ...] = ("*",)
    leaves_out: frozenset[str] = frozenset()
    leaves_out_unless: frozenset[str] = frozenset()
    settings: tuple[SettingsFile, ...] = ()
    artifacts: bool = False
    unparsed: frozenset[str] = frozenset()
    warnings: bool = False
    utf8: bool = False
    own_json: bool = False
    output: re.Pattern[str] | None = None
    purpose: str = "code"
    by_file: bool = False
    command: tuple[str, ...] = ()
    aliases: Aliases | None = None
    severities: Mapping[str, re.Pattern[str]] = field(default_factory=dict)

    def severity_of(self, rule: str) -> str | None:
        """The severity of a rule, None where that of its SARIF is right."""
        return next(
            (name for name, pattern in self.severities.items() if pattern.fullmatch(rule)), None
        )


# Settings files of tools that have no recipe here.
OTHERS = (SettingsFile(glob=".snyk", excludes=True), SettingsFile(glob=".tflint.hcl"))


@cache
def recipes() -> Mapping[str, Recipe]:
    """All recipes, by their names."""
    return {path.parent.name: _recipe(path) for path in sorted(FOLDER.glob("*/recipe.toml"))}


def _recipe(path: Path) -> Recipe:
    """Raises TypeError where a key is unknown or missing."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    settings = tuple(
        setting for group in data.pop("settings", ()) for setting in _settings_files(**group)
    )
    output, aliases = data.pop("output", None), data.pop("aliases", None)
    severities = data.pop("severities", {})
    data.pop("pack", None)  # It is for packs/.
    return Recipe(
        settings=settings,
        output=re.compile(output) if output else None,
        aliases=Aliases(pattern=re.compile(aliases["pattern"]), alias=aliases["alias"])
        if aliases
        else None,
        severities={name: re.compile(pattern) for name, pattern in severities.items()},
        **{_snake_case(key): _frozen(value, key in SETS) for key, value in data.items()},
    )


def _frozen(value: Any, is_set: bool) -> Any:
    return (frozenset(value) if is_set else tuple(value)) if isinstance(value, list) else value


def _settings_files(
    globs: Sequence[str], off: Sequence[str] = (), holds: str | None = None, **keys: bool
) -> list[SettingsFile]:
    pattern = re.compile(holds.encode()) if holds else None
    return [SettingsFile(glob=glob, off=tuple(off), holds=pattern, **keys) for glob in globs]


def _snake_case(key: str) -> str:
    return re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", key)


def words(command: str) -> list[str]:
    """The words of ``command``, including those in the argument of a shell's ``-c``.

    Raises:
        ValueError: its quotes are not balanced.
    """
    return [part for word in shlex.split(command) for part in (word, *SHELL.split(word)) if part]


def named(command: str) -> list[Recipe]:
    """The recipes of the tools that ``command`` names, also after npx, uvx or ``python -m``."""
    names = {_tool(word) for word in words(command)}
    return [recipe for recipe in recipes().values() if names.intersection(recipe.commands)]


def of_driver(name: str, given: Sequence[Recipe]) -> Recipe | None:
    """The recipe for the driver ``name``, else the only one of ``given``, else None."""
    for recipe in recipes().values():
        if name.lower() in recipe.drivers:
            return recipe
    return given[0] if len(given) == 1 else None


def settings_files(given: Sequence[Recipe], command: str) -> list[SettingsFile]:
    """The settings files of the recipes ``given`` that ``command`` does not turn off.

    Without recipes, those of all known tools.
    """
    options = {word.partition("=")[0] for word in words(command)}
    selected = [setting for recipe in given or recipes().values() for setting in recipe.settings]
    if not given:
        selected += OTHERS
    return [setting for setting in selected if not options.intersection(setting.off)]


def _tool(word: str) -> str:
    """``/opt/bin/Eslint.cmd``, ``eslint@9`` and ``ruff==0.5`` name eslint and ruff."""
    name = PurePosixPath(word).name.lower()
    return re.split(r"[@=<>~]|\.(?:cmd|exe|js|sh)$", name)[0]
