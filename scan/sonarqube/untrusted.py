"""Reads the scanner's settings in an upload; only a few harmless ones are applied."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from jproperties import Properties
from pysonar_scanner.configuration.coveragerc_loader import CoverageRCConfigurationLoader
from pysonar_scanner.configuration.pyproject_toml import TomlConfigurationLoader

from domain.findings import IgnoredSetting

# Encodings that agree with ASCII; read in any other, code is garbage and has no findings.
ENCODING = re.compile(r"utf-8|us-ascii|iso-8859-\d{1,2}|windows-125\d", re.IGNORECASE)
# Paths of coverage reports and of compiled classes.
PATHS = {
    "sonar.python.coverage.reportPaths",
    "sonar.javascript.lcov.reportPaths",
    "sonar.coverage.jacoco.xmlReportPaths",
    "sonar.coverageReportPaths",
    "sonar.go.coverage.reportPaths",
    "sonar.php.coverage.reportPaths",
    "sonar.ruby.coverage.reportPaths",
    "sonar.java.binaries",
    "sonar.java.libraries",
}
# Not applied: with an older version of a language, current code could not be parsed.
LANGUAGE_VERSIONS = {"sonar.python.version", "sonar.java.source", "sonar.java.target"}
# Which code is analysed, and as what. They could hide code, so they need ``allowExclusions``.
EXCLUSIONS = {
    "sonar.sources",
    "sonar.tests",
    "sonar.inclusions",
    "sonar.exclusions",
    "sonar.test.inclusions",
    "sonar.test.exclusions",
    "sonar.coverage.exclusions",
    "sonar.cpd.exclusions",
}
# Common settings of projects that are not reported as weakening the scan: they are set by this
# system, or have no influence on findings.
ORDINARY = {
    "sonar.projectKey",
    "sonar.projectName",
    "sonar.projectDescription",
    "sonar.projectVersion",
    "sonar.organization",
    "sonar.sources",
    "sonar.tests",
    "sonar.verbose",
    "sonar.sourceEncoding",
    *PATHS,
    *LANGUAGE_VERSIONS,
}
LONGEST = 2000


def settings(
    source: Path, *, allow_exclusions: bool
) -> tuple[dict[str, str], list[IgnoredSetting]]:
    """The settings in ``source`` that are applied, and those that are ignored."""
    followed: dict[str, str] = {}
    ignored = []
    # In the scanner's own order: later ones override earlier ones.
    for file, values in (
        (".coveragerc", _coverage(source)),
        ("pyproject.toml", _project(source)),
        ("sonar-project.properties", _properties(source)),
        ("pyproject.toml", _tool_sonar(source)),
    ):
        for key, value in values.items():
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            if _is_harmless(key, text) or (allow_exclusions and _is_exclusion(key, text)):
                followed[key] = text
            else:
                weakens = key not in ORDINARY and not key.startswith("sonar.links.")
                ignored.append(IgnoredSetting(file=file, key=key, value=text, weakens=weakens))
    return followed, ignored


def _is_harmless(key: str, value: str) -> bool:
    if key == "sonar.sourceEncoding":
        return bool(ENCODING.fullmatch(value))
    return key in PATHS and _stays_inside(value)


def _is_exclusion(key: str, value: str) -> bool:
    return key in EXCLUSIONS and _stays_inside(value)


def _stays_inside(value: str) -> bool:
    paths = [PurePosixPath(part.strip()) for part in value.split(",")]
    return (
        len(value) <= LONGEST
        and value.isprintable()
        and "\\" not in value
        and not any(path.is_absolute() or ".." in path.parts for path in paths)
    )


def _properties(source: Path) -> dict[str, Any]:
    path = source / "sonar-project.properties"
    if not path.is_file():
        return {}
    properties = Properties()
    try:
        properties.load(path.read_bytes())
    except Exception:
        # Untrusted input: the parser raises various exceptions, and none of its settings is needed.
        return {"(not readable)": ""}
    return {key: value.data for key, value in properties.items() if key.startswith("sonar.")}


def _tool_sonar(source: Path) -> dict[str, Any]:
    return TomlConfigurationLoader.load(source).sonar_properties


def _project(source: Path) -> dict[str, Any]:
    return TomlConfigurationLoader.load(source).project_properties


def _coverage(source: Path) -> dict[str, Any]:
    return CoverageRCConfigurationLoader.load_exclusion_properties(source)
