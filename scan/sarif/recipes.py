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
# What ends a word inside of a shell's ``-c``.
SHELL = re.compile(r"[\s;&|()`<>\"']+")


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """Files of an upload that a tool would take for its settings.

    ``glob`` is that of their lower-case name or, with a slash in it, the end of their path;
    ``excludes`` where all they can do is to leave something out. They have no effect where one of
    the options ``off`` is in the tool's command, or where nothing in them matches ``holds``.
    """

    glob: str
    excludes: bool = False
    off: tuple[str, ...] = ()
    holds: re.Pattern[bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A tool: the names of its command and of its driver in SARIF, and what is known of it.

    What it reads: ``languages`` are tags as of ``scan.language``, None where it reads all text.
    ``leaves_out`` are the folders that it does not look into unless its command has ``ALL``, and
    ``names`` globs of the only file names that it reads, for a tool that does not say which files
    it read. ``utf8`` says whether it takes every text for UTF-8.

    Where it says what it read: ``artifacts`` whether every artifact of its SARIF is a file that it
    analysed; ``unparsed`` the ids of results and notifications, and ``warnings`` whether any
    warning, by which it says that it could not read a file; ``own_json`` whether it writes JSON of
    its own (see ``semgrep``). ``output`` finds in a line of its output a file that it ``analysed``,
    or ``unread`` and the ``reason``, or a ``problem`` without a file.

    ``settings`` are files of an upload that it would follow.
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


# https://docs.astral.sh/ruff/settings/#exclude, and the option that empties it.
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
    # It holds any option, `skips` among them; what that leaves out nobody would be told.
    settings=_settings(".bandit", off=("--ini",)),
    # A check that dies is skipped for that place, and told on standard error only.
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
    # What is not UTF-8 is left out, whatever encoding it declares.
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
# Nobody's here, and followed by tools of that name.
OTHERS = (*_ignores(".snyk"), *_settings(".tflint.hcl"))


def words(command: str) -> list[str]:
    """The words of ``command``, those inside of a shell's ``-c`` too.

    Raises:
        ValueError: its quotes don't fit.
    """
    return [part for word in shlex.split(command) for part in (word, *SHELL.split(word)) if part]


def named(command: str) -> list[Recipe]:
    """The recipes that ``command`` names, be it behind npx, uvx or ``python -m``."""
    names = {_tool(word) for word in words(command)}
    return [recipe for recipe in RECIPES if names.intersection(recipe.commands)]


def of_driver(name: str, recipes: Sequence[Recipe]) -> Recipe | None:
    """The recipe of the tool that calls itself ``name``; else the one that the command named."""
    for recipe in RECIPES:
        if name.lower() in recipe.drivers:
            return recipe
    return recipes[0] if len(recipes) == 1 else None


def settings_files(recipes: Sequence[Recipe], command: str) -> list[SettingsFile]:
    """What the tools of ``command`` take for settings; all that is known where it names none."""
    given = {word.partition("=")[0] for word in words(command)}
    selected = [setting for recipe in recipes or RECIPES for setting in recipe.settings]
    if not recipes:
        selected += OTHERS
    return [setting for setting in selected if not given.intersection(setting.off)]


def _tool(word: str) -> str:
    """``/opt/bin/Eslint.cmd``, ``eslint@9`` and ``ruff==0.5`` name eslint and ruff."""
    name = PurePosixPath(word).name.lower()
    return re.split(r"[@=<>~]|\.(?:cmd|exe|js|sh)$", name)[0]
