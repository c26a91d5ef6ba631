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
# With one of these only what fits is looked at.
ONLY = ("sonar.inclusions",)
SETTINGS = ",".join([*LEAVE_OUT, *ONLY, *names.SETTINGS])
FOLDERS = ("sonar.sources", "sonar.tests")
UPLOADS_OWN = "left out by the upload's own {key}, which allowExclusions permits"
ON_SERVER = "excluded on the server: {key}={pattern}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Leaves files out; ``why`` names the setting and, where one file fits it, ``{pattern}``."""

    key: str
    patterns: Sequence[str]
    why: str

    def reason(self, path: str) -> str:
        """Why ``path`` is left out; empty where it is not."""
        if self.key in FOLDERS:
            fits = [pattern for pattern in self.patterns if _is_below(path, pattern)]
            return "" if fits else self.why
        fits = [pattern for pattern in self.patterns if matches(pattern, path)]
        if self.key in ONLY:
            return "" if fits else self.why.format(pattern=",".join(self.patterns))
        return self.why.format(pattern=fits[0]) if fits else ""


def on_server(api: Api, project: str) -> dict[str, list[str]]:
    """What the team set on the server, for the project or for all: exclusions, names of files.

    Before its first analysis a project has no settings of its own. Where nobody may read them, all
    settings about names count as set, so that they stay.
    """
    path, what = "api/settings/values", "which settings it has for scans"
    whole = api.may_get(path, what, keys=SETTINGS)
    answer = api.may_get(path, what, component=project, keys=SETTINGS) or whole
    if answer is None:
        return {key: [] for key in names.SETTINGS}
    # To a project all is inherited that was set for all; what comes with SonarQube too.
    own = {rule["key"]: _patterns(rule) for rule in _known(answer) if not rule.get("inherited")}
    return {**set_by_people(whole or {}), **own}


def set_by_people(whole: Mapping[str, Any]) -> dict[str, list[str]]:
    """The settings in the answer ``whole`` that are no defaults, which are ``inherited`` there."""
    return {rule["key"]: _patterns(rule) for rule in _known(whole) if not rule.get("inherited")}


def _known(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        setting
        for setting in answer.get("settings", [])
        if setting.get("key") in SETTINGS.split(",")
    ]


def rules(server: Mapping[str, Sequence[str]], upload: Mapping[str, str]) -> list[Rule]:
    """All that leaves files out: settings on the ``server``, and what is followed of an upload.

    What an upload says overrules what the server says about the same.
    """
    own = {
        key: [glob.strip() for glob in upload[key].split(",") if glob.strip()]
        for key in (*LEAVE_OUT, *ONLY)
        if key in upload
    }
    # The scanner looks at both folders, so only what is in neither is left out.
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
    """Whether SonarQube's ``pattern`` fits: ``?`` one character, ``*`` some, ``**`` folders too.

    Follows all ways through the pattern at once, since a stranger may have written it. A way is the
    number of the token to fit next, or -1 minus the number of a ``**/`` that has begun to fit.
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
    """The same, and those behind what may fit nothing."""
    reached = set(ways)
    for way in ways:
        number = way
        while 0 <= number < len(tokens) and tokens[number] in {"*", "**", "**/"}:
            number += 1
            reached.add(number)
    return reached


def _tokens(pattern: str) -> Iterator[str]:
    # A folder alone means all that is in it.
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
    """A setting has ``values``, or ``value`` where it is no list to this server."""
    values = setting.get("values") or str(setting.get("value") or "").split(",")
    return [str(value).strip() for value in values if str(value).strip()]
