"""Properties of known tools: what they read, how they report it, and their settings files."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

PYTHON = frozenset({"python", "python2", "python3"})
JAVASCRIPT = frozenset({"javascript", "jsx", "ts", "tsx"})
# https://semgrep.dev/docs/supported-languages, in the tags of identify.
SEMGREP = PYTHON | JAVASCRIPT | frozenset({
    "apex", "bash", "c", "c#", "c++", "cairo", "circom", "clojure", "dart", "dockerfile", "elixir",
    "go", "hack", "java", "julia", "jsonnet", "kotlin", "lisp", "lua", "ocaml", "php", "ql", "r",
    "ruby", "rust", "scala", "scheme", "shell", "solidity", "swift", "terraform", "vue",
})  # fmt: skip
CODEQL = PYTHON | JAVASCRIPT | {"c", "c++", "c#", "go", "java", "kotlin", "ruby", "rust", "swift"}
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
class Recipe:
    """A known tool: ``commands`` are names of its executable, ``drivers`` its names in SARIF.

    What it reads:
        ``languages``: tags of ``scan.language``, or None if it reads all text.
        ``names``: globs of the file names that it reads.
        ``leaves_out``: folders that it skips unless its command has ``ALL``.
        ``utf8``: whether it assumes UTF-8 for all text.

    How it reports what it read:
        ``artifacts``: whether every artifact in its SARIF is an analysed file.
        ``unparsed``: ids of results and notifications about files that it could not parse.
        ``warnings``: whether its warnings, too, mean that a file was not read.
        ``own_json``: whether it writes a JSON file of its own (see ``semgrep``).
        ``output``: matches lines of its output; the groups are a file that it ``analysed``, or an
        ``unread`` file and the ``reason``, or a ``problem`` without a file.

    ``settings`` are files of an upload that it would read as its settings.
    """

    commands: tuple[str, ...]
    drivers: tuple[str, ...]
    languages: frozenset[str] | None
    names: tuple[str, ...] = ("*",)
    leaves_out: frozenset[str] = field(default_factory=frozenset)
    settings: tuple[SettingsFile, ...] = ()
    artifacts: bool = False
    unparsed: frozenset[str] = field(default_factory=frozenset)
    warnings: bool = False
    utf8: bool = False
    own_json: bool = False
    output: re.Pattern[str] | None = None


def _ignores(*globs: str, off: tuple[str, ...] = ()) -> tuple[SettingsFile, ...]:
    return tuple(SettingsFile(glob=glob, excludes=True, off=off) for glob in globs)


def _settings(*globs: str, off: tuple[str, ...] = ()) -> tuple[SettingsFile, ...]:
    return tuple(SettingsFile(glob=glob, off=off) for glob in globs)


# Ruff's default of https://docs.astral.sh/ruff/settings/#exclude; ``ALL`` are options that empty
# it.
RUFF_LEAVES_OUT = frozenset({
    ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache",
    ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox",
    ".venv", ".vscode", "__pypackages__", "_build", "buck-out", "dist", "node_modules",
    "site-packages", "venv",
})  # fmt: skip
ALL = ("exclude=[]", "--config=exclude=[]")
GIT = (".gitignore", ".git/info/exclude")
BANDIT = Recipe(
    commands=("bandit",),
    drivers=("bandit",),
    languages=PYTHON,
    # It can have any option, such as `skips`, which would hide findings silently.
    settings=_settings(".bandit", off=("--ini",)),
    # A check that crashes is skipped for that location, and reported on standard error only.
    output=re.compile(
        r"Bandit internal error running: \S+ on file (?P<unread>.+?) at line \d+: "
        r"(?P<reason>.*?)(?:Traceback |$)"
    ),
)
RUFF = Recipe(
    commands=("ruff",),
    drivers=("ruff",),
    languages=PYTHON,
    names=("*.py",),
    leaves_out=RUFF_LEAVES_OUT,
    settings=(
        *_settings("ruff.toml", ".ruff.toml", off=("--isolated",)),
        SettingsFile(glob="pyproject.toml", holds=re.compile(rb"ruff|\\"), off=("--isolated",)),
        *_ignores(*GIT, ".ignore", off=("--no-respect-gitignore",)),
    ),
    utf8=True,
    unparsed=frozenset({"invalid-syntax", "syntax-error", "io-error", "E902", "E999"}),
    # Files that are not UTF-8 are left out, whatever encoding they declare.
    output=re.compile(
        r"(?:warning|error): (?:Failed to lint |Failed to read |Panicked while linting )"
        r"(?P<unread>.+?): (?P<reason>.*)"
    ),
)
ESLINT = Recipe(
    commands=("eslint",),
    drivers=("eslint",),
    languages=JAVASCRIPT,
    settings=(
        *_settings(
            *(f"eslint.config.{suffix}" for suffix in ("js", "mjs", "cjs", "ts", "mts", "cts")),
            off=("--config", "--no-config-lookup"),
        ),
        *_settings(".eslintrc", ".eslintrc.*", off=("--no-eslintrc", "--no-config-lookup")),
        *_ignores(".eslintignore", off=("--no-ignore", "--no-config-lookup")),
    ),
    artifacts=True,
    unparsed=frozenset({"ESL0999"}),
)
RECIPES = (
    BANDIT,
    RUFF,
    Recipe(
        commands=("semgrep", "opengrep", "pysemgrep", "osemgrep"),
        drivers=("semgrep oss", "semgrep pro", "semgrep", "opengrep oss", "opengrep"),
        languages=SEMGREP,
        settings=(
            *_settings(".semgrep.yml", ".semgrep.yaml"),
            *_ignores(".semgrepignore", off=("--x-ignore-semgrepignore-files",)),
            *_ignores(*GIT, off=("--no-git-ignore",)),
        ),
        warnings=True,
        utf8=True,
        own_json=True,
    ),
    Recipe(
        commands=("gosec",),
        drivers=("gosec",),
        languages=frozenset({"go"}),
        output=re.compile(
            r"^\[gosec\] \S+ \S+ Checking file: (?P<analysed>.+)"
            r"|^\[gosec\] \S+ \S+ (?P<problem>Error building the SSA representation .*)"
        ),
    ),
    ESLINT,
    Recipe(
        commands=("checkov",),
        drivers=("checkov",),
        languages=None,
        settings=_settings(".checkov.yaml", ".checkov.yml"),
    ),
    Recipe(
        commands=("trivy",),
        drivers=("trivy",),
        languages=None,
        settings=(
            *_settings("trivy.yaml", "trivy.yml", "trivy-secret.yaml"),
            *_ignores(".trivyignore", ".trivyignore.yaml", ".trivyignore.yml"),
        ),
    ),
    Recipe(
        commands=("gitleaks",),
        drivers=("gitleaks",),
        languages=None,
        settings=(
            *_settings(".gitleaks.toml", off=("--config",)),
            *_ignores(".gitleaksignore"),
        ),
    ),
    Recipe(
        commands=("codeql",),
        drivers=("codeql",),
        languages=CODEQL,
        settings=_settings("lgtm.yml", ".lgtm.yml"),
    ),
)
# Settings files of tools that have no recipe here.
OTHERS = (*_ignores(".snyk"), *_settings(".tflint.hcl"))


def words(command: str) -> list[str]:
    """The words of ``command``, including those in the argument of a shell's ``-c``.

    Raises:
        ValueError: its quotes are not balanced.
    """
    return [part for word in shlex.split(command) for part in (word, *SHELL.split(word)) if part]


def named(command: str) -> list[Recipe]:
    """The recipes of the tools that ``command`` names, also after npx, uvx or ``python -m``."""
    names = {_tool(word) for word in words(command)}
    return [recipe for recipe in RECIPES if names.intersection(recipe.commands)]


def of_driver(name: str, recipes: Sequence[Recipe]) -> Recipe | None:
    """The recipe for the driver ``name``, else the only one of ``recipes``, else None."""
    for recipe in RECIPES:
        if name.lower() in recipe.drivers:
            return recipe
    return recipes[0] if len(recipes) == 1 else None


def settings_files(recipes: Sequence[Recipe], command: str) -> list[SettingsFile]:
    """The settings files of ``recipes`` that ``command`` does not turn off.

    Without recipes, those of all known tools.
    """
    given = {word.partition("=")[0] for word in words(command)}
    selected = [setting for recipe in recipes or RECIPES for setting in recipe.settings]
    if not recipes:
        selected += OTHERS
    return [setting for setting in selected if not given.intersection(setting.off)]


def _tool(word: str) -> str:
    """``/opt/bin/Eslint.cmd``, ``eslint@9`` and ``ruff==0.5`` name eslint and ruff."""
    name = PurePosixPath(word).name.lower()
    return re.split(r"[@=<>~]|\.(?:cmd|exe|js|sh)$", name)[0]
