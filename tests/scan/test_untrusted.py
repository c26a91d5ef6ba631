"""Of the settings in an upload, only harmless ones are followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.sonarqube import untrusted
from tests.scan.scanning import tree


def followed(tmp_path, text: str, allow_exclusions: bool = False) -> dict[str, str]:
    source = tree({"sonar-project.properties": text}, tmp_path)
    return untrusted.settings(source, allow_exclusions=allow_exclusions)[0]


@pytest.mark.parametrize(
    "text",
    [
        "sonar.sourceEncoding=ISO-8859-1",
        "sonar.python.coverage.reportPaths=reports/coverage.xml,other.xml",
        "sonar.java.binaries=target/classes",
    ],
)
def test_harmless_settings_are_followed(text, tmp_path):
    key, _, value = text.partition("=")

    assert followed(tmp_path, text) == {key: value}


@pytest.mark.parametrize(
    "text",
    [
        "sonar.python.version=3.11",
        "sonar.java.source=1.3",
        "sonar.java.target=1.3",
        "sonar.javascript.ecmaScriptVersion=es5",
        "sonar.javascript.exclusions=**",
        "sonar.javascript.maxFileSize=1",
        "sonar.sourceEncoding=UTF-16",
        "sonar.python.coverage.reportPaths=/etc/passwd",
        "sonar.python.coverage.reportPaths=a.xml,../../b.xml",
        "sonar.python.coverage.reportPaths=a\\\\..\\\\b.xml",
        "sonar.exclusions=**",
        "sonar.sources=docs",
        "sonar.tests=src",
        "sonar.scanner.skip=true",
        "SONAR.SOURCES=docs",
        "sonar.python.file.suffixes=.none",
        "sonar.projectBaseDir=/",
        f"sonar.java.binaries={'a' * 2001}",
    ],
)
def test_other_settings_are_not_followed(text, tmp_path):
    assert followed(tmp_path, text) == {}


@pytest.mark.parametrize("text", ["sonar.exclusions=/etc/**", "sonar.sources=../other"])
def test_even_allowed_exclusions_stay_inside(text, tmp_path):
    assert followed(tmp_path, text, allow_exclusions=True) == {}


def test_a_later_file_overrules_an_earlier_one_as_in_the_scanner(tmp_path):
    tree(
        {"pyproject.toml": '[tool.sonar]\nsource-encoding = "utf-8"\n'},
        tmp_path,
    )

    assert followed(tmp_path, "sonar.sourceEncoding=us-ascii") == {"sonar.sourceEncoding": "utf-8"}


@given(st.sampled_from(["sonar-project.properties", "pyproject.toml", ".coveragerc"]), st.data())
def test_no_settings_file_fails_the_scan(tmp_path_factory, name, data):
    start = {"pyproject.toml": b"[tool.sonar]\n", ".coveragerc": b"[run]\nomit = "}
    text = start.get(name, b"sonar.") + data.draw(st.binary(max_size=80))
    source = tree({name: text}, tmp_path_factory.mktemp("settings"))

    notified, ignored = untrusted.settings(source, allow_exclusions=False)

    assert all(isinstance(value, str) for value in notified.values())
    assert all(isinstance(setting.value, str) for setting in ignored)


@pytest.mark.parametrize(
    "text",
    [
        "[tool]\nsonar = 7\n",
        "tool = 1\n",
        "[tool.sonar]\na = " + "[" * 5000,
        "[tool.sonar]\na = [1]\n",
    ],
)
def test_invalid_toml_fails_no_scan(text, tmp_path):
    tree({"pyproject.toml": text}, tmp_path)

    assert untrusted.settings(tmp_path, allow_exclusions=True)[0] == {}
