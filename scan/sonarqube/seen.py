"""Finds out what SonarQube analysed: compares the scanner's report and log with the upload."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from scan.finding import Seen
from scan.folders import files_below
from scan.language import holds_code, kind_of
from scan.sonarqube import languages
from scan.sonarqube.exclusions import Rule
from scan.sonarqube.scanner_report import ScannedFile

# Lines of the log about files that an analyser cannot read, or on which a rule crashes; analysers
# continue after such an error.
PROBLEM = re.compile(
    r"(?:WARNING|ERROR) .*(?:bigger than|"
    r"(?:unable to|cannot|can't|could not|failed to|failure|error (?:when|while|during)) .*"
    r"(?:pars|analy[sz]|process|read|run|execut|visit|convert))",
    re.IGNORECASE,
)
# Delimiters of a file name in such a line.
EDGE = re.compile(r"""[\s'"\[\](){}<>,;]|[.:](?=\s|$)|:(?=\d)""")
LONGEST_LINE = 1000
NOT_PARSED = "SonarQube could not parse it"
TOO_LARGE = "SonarQube leaves out files over 20 MB"
MINIFIED = "SonarQube takes it for minified code, by its name or its long lines"
NOT_COUNTED = "SonarQube counted no line of code in it: it could not parse it, or left it out"
TEST = "looked at as a test only, by the upload's own sonar.tests, which allowExclusions permits"
# From SonarJS as of 2026: packages/analysis/src/common/filter/filter-minified.ts.
MINIFIED_NAME = re.compile(r"[.-]min\.js$")
LONG_LINES = 200


def note(problems: list[str], line: str) -> None:
    """Append a line of the scanner's output to ``problems`` if it reports one with a file."""
    if PROBLEM.match(line):
        problems.append(line)


def seen(
    source: Path,
    files: Mapping[str, ScannedFile],
    *,
    known: Sequence[str],
    problems: Sequence[str],
    rules: Sequence[Rule],
    unsaid: Sequence[str] = (),
) -> Seen:
    """What of the upload in ``source`` was analysed, by ``files`` from the scanner's report.

    ``known`` are SonarQube's keys of the languages that the server has analysers for; ``unsaid``
    is missing data of the server (see ``Api``), which makes the analysis incomplete.
    """
    paths = {path.relative_to(source).as_posix() for path in files_below(source)}
    analysed, unread = set[str](), _named(problems, source, paths)
    excluded = {path: why for path in paths - files.keys() if (why := _left_out(path, rules))}
    for path, file in files.items():
        if file.is_test:
            excluded[path] = TEST
        elif file.lines:
            analysed.add(path)
        elif not _may_hold_code(source / path, path, file):
            # Some analysers report an error even then, for example for a Go file without a package.
            analysed.add(path)
            unread.pop(path, None)
        elif languages.of(file.language):
            unread.setdefault(path, _why(source / path, file))
    return Seen(
        analysed=frozenset(analysed),
        languages=languages.tags(known),
        unread={path: why for path, why in unread.items() if _is_code(files.get(path))},
        incomplete=list(dict.fromkeys(unsaid)),
        excluded=excluded,
    )


def _is_code(file: ScannedFile | None) -> bool:
    """False for data: invalid JSON may be intended, for example as test data."""
    return file is None or bool(languages.of(file.language))


def _may_hold_code(path: Path, name: str, file: ScannedFile) -> bool:
    if file.language == "php" and b"<?" not in path.read_bytes():
        return False
    return holds_code(path, kind_of(path, name).tags)


def _left_out(path: str, rules: Sequence[Rule]) -> str:
    return next((why for rule in rules if (why := rule.reason(path))), "")


def _why(path: Path, file: ScannedFile) -> str:
    if file.language in {"cs", "vbnet"}:
        return "SonarQube analyses C# and VB.NET with a scanner of their own, which is not run here"
    if file.language == "kotlin" and path.suffix.lower() == ".kts":
        return "SonarQube reads *.gradle.kts by its few rules for Gradle only, and no other *.kts"
    if file.language == "js" and path.suffix == ".js" and _looks_minified(path):
        return MINIFIED
    return NOT_COUNTED


def _looks_minified(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8", errors="replace").removesuffix("\n").split("\n")
    return bool(MINIFIED_NAME.search(path.name)) or sum(map(len, lines)) > LONG_LINES * len(lines)


def _named(problems: Sequence[str], source: Path, paths: set[str]) -> dict[str, str]:
    """The ``paths`` that lines in ``problems`` name, with the scanner's reasons."""
    unread: dict[str, str] = {}
    for line in problems:
        # File names can contain delimiters, so the text between any two of them is tried.
        text = line[:LONGEST_LINE].replace(f"file://{source}/", "'").replace(f"{source}/", "'")
        edges = [0, *(edge.end() for edge in EDGE.finditer(text))]
        ends = [*(edge.start() for edge in EDGE.finditer(text)), len(text)]
        for begin in edges:
            path = next((text[begin:end] for end in reversed(ends) if text[begin:end] in paths), "")
            if path:
                unread.setdefault(path, _reason(line, path))
    return unread


def _reason(line: str, path: str) -> str:
    if "bigger than" in line:
        return TOO_LARGE
    if re.search("pars|convert", line, re.IGNORECASE):
        return NOT_PARSED
    return f"SonarQube's scanner says: {line.partition(' ')[2].replace(path, '(the file)')}"
