"""Files that a team excluded from SonarQube: by settings on the server or in the upload."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scan.sonarqube import names
from scan.sonarqube.api import Api

LEAVE_OUT = (
    "sonar.exclusions",
    "sonar.global.exclusions",
    "sonar.javascript.exclusions",
    "sonar.typescript.exclusions",
    "sonar.php.exclusions",
    "sonar.go.exclusions",
    "sonar.ruby.exclusions",
)
# With one of these, only matching files are analysed.
ONLY = ("sonar.inclusions",)
SETTINGS = ",".join([*LEAVE_OUT, *ONLY, *names.SETTINGS])
FOLDERS = ("sonar.sources", "sonar.tests")
UPLOADS_OWN = "left out by the upload's own {key}, which allowExclusions permits"
ON_SERVER = "excluded on the server: {key}={pattern}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A setting that leaves files out; ``{pattern}`` in ``why`` is the one that matched."""

    key: str
    patterns: Sequence[str]
    why: str

    def reason(self, path: str) -> str:
        """Why ``path`` is left out; empty if it is not."""
        if self.key in FOLDERS:
            fits = [pattern for pattern in self.patterns if _is_below(path, pattern)]
            return "" if fits else self.why
        fits = [pattern for pattern in self.patterns if matches(pattern, path)]
        if self.key in ONLY:
            return "" if fits else self.why.format(pattern=",".join(self.patterns))
        return self.why.format(pattern=fits[0]) if fits else ""


def on_server(api: Api, project: str) -> dict[str, list[str]]:
    """Settings about exclusions and file names on the server, of the project or global.

    Before its first analysis a project has no settings of its own. If the token may not read them,
    all settings about file names count as set, so that the scan does not override them.
    """
    path, what = "api/settings/values", "which settings it has for scans"
    whole = api.may_get(path, what, keys=SETTINGS)
    answer = api.may_get(path, what, component=project, keys=SETTINGS) or whole
    if answer is None:
        return {key: [] for key in names.SETTINGS}
    # A project inherits global settings and SonarQube's defaults; both are ``inherited``.
    own = {rule["key"]: _patterns(rule) for rule in _known(answer) if not rule.get("inherited")}
    return {**set_by_people(whole or {}), **own}


def set_by_people(whole: Mapping[str, Any]) -> dict[str, list[str]]:
    """The global settings in the answer ``whole`` that are not defaults (``inherited`` there)."""
    return {rule["key"]: _patterns(rule) for rule in _known(whole) if not rule.get("inherited")}


def _known(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        setting
        for setting in answer.get("settings", [])
        if setting.get("key") in SETTINGS.split(",")
    ]


def rules(server: Mapping[str, Sequence[str]], upload: Mapping[str, str]) -> list[Rule]:
    """The rules that leave files out: by settings on the ``server``, and allowed ones of an upload.

    A setting of the upload overrides the same setting of the server.
    """
    own = {
        key: [glob.strip() for glob in upload[key].split(",") if glob.strip()]
        for key in (*LEAVE_OUT, *ONLY)
        if key in upload
    }
    # The scanner analyses both folders, so only files in neither are left out.
    if "sonar.sources" in upload or "sonar.tests" in upload:
        folders = ",".join(upload.get(key, "." if key == FOLDERS[0] else "") for key in FOLDERS)
        own["sonar.sources"] = [name.strip() for name in folders.split(",") if name.strip()]
    return [
        *(
            Rule(key=key, patterns=patterns, why=UPLOADS_OWN.format(key=key))
            for key, patterns in own.items()
        ),
        *(
            Rule(key=key, patterns=patterns, why=ON_SERVER.format(key=key, pattern="{pattern}"))
            for key, patterns in server.items()
            if key in (*LEAVE_OUT, *ONLY) and key not in own
        ),
    ]


def matches(pattern: str, path: str) -> bool:
    """Whether SonarQube's ``pattern`` matches ``path``.

    ``?`` is one character, ``*`` any number except ``/``, ``**`` any number.

    The pattern is untrusted, so it is matched without backtracking: ``ways`` are all states that
    are possible so far. A state is the index of the next token, or -1 minus the index of a ``**/``
    that has matched a part of a folder's name.
    """
    tokens = list(_tokens(pattern.strip().removeprefix("/")))
    ways = _skipping({0}, tokens)
    for character in path:
        following = set[int]()
        for way in ways:
            number = max(way, -1 - way)
            token = tokens[number] if number < len(tokens) else ""
            if token == "**/":
                following |= {-1 - number, number + 1} if character == "/" else {-1 - number}
            elif token == "**" or (token == "*" and character != "/"):
                following.add(number)
            elif token == character or (token == "?" and character != "/"):
                following.add(number + 1)
        ways = _skipping(following, tokens)
    return len(tokens) in ways


def _skipping(ways: set[int], tokens: Sequence[str]) -> set[int]:
    """``ways``, and the states after tokens that can match the empty string."""
    reached = set(ways)
    for way in ways:
        number = way
        while 0 <= number < len(tokens) and tokens[number] in {"*", "**", "**/"}:
            number += 1
            reached.add(number)
    return reached


def _tokens(pattern: str) -> Iterator[str]:
    # A folder means all that is in it.
    pattern += "**" if pattern.endswith("/") else ""
    position = 0
    while position < len(pattern):
        token = next(
            (wildcard for wildcard in ("**/", "**") if pattern.startswith(wildcard, position)),
            pattern[position],
        )
        yield token
        position += len(token)


def _is_below(path: str, folder: str) -> bool:
    folder = folder.removeprefix("./").strip("/")
    return folder in {"", ".", path} or path.startswith(f"{folder}/")


def _patterns(setting: Mapping[str, Any]) -> list[str]:
    """The values of a setting: ``values`` or, if it is not a list on this server, ``value``."""
    values = setting.get("values") or str(setting.get("value") or "").split(",")
    return [str(value).strip() for value in values if str(value).strip()]
