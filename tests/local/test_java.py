"""A Java version that the server supports is found in every usual location."""

from pathlib import Path

import pytest

from local import java, sonarqube


def fake(folder: Path, version: str) -> Path:
    """A ``java`` that says it is ``version``."""
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path / "jvm"


@pytest.mark.parametrize("where", ["PATH", "JAVA_HOME", "installed"])
def test_java_is_found_in_every_known_place(where, tmp_path, monkeypatch, nothing_else):
    homes = {"PATH": tmp_path, "JAVA_HOME": tmp_path / "home", "installed": nothing_else / "25"}
    result = fake(homes[where], "25.0.3")
    if where == "JAVA_HOME":
        monkeypatch.setenv("JAVA_HOME", str(homes[where]))

    assert java.find({21, 25}, nothing_else) == result
    assert java.find({17}, nothing_else) is None


def test_an_unsuitable_java_is_skipped(tmp_path, monkeypatch, nothing_else):
    fake(tmp_path, "17.0.15")
    fitting = fake(nothing_else / "21", "21.0.1")
    (nothing_else / "25" / "bin").mkdir(parents=True)
    (nothing_else / "25" / "bin" / "java").write_text("no program")

    assert java.find({21, 25}, nothing_else) == fitting


@pytest.mark.parametrize(
    ("version", "needs"), [("26.2.0.119303", "Java 21 or 25"), ("10.7.0.96327", "Java 17:")]
)
def test_a_missing_java_is_named_by_version(version, needs, monkeypatch, nothing_else):
    monkeypatch.setenv("SONARQUBE", version)
    monkeypatch.setattr(java, "find", lambda versions: None)

    assert needs in (sonarqube.missing() or "")


def test_a_version_without_a_checksum_is_refused(monkeypatch):
    monkeypatch.setenv("SONARQUBE", "26.3.0.1")

    with pytest.raises(RuntimeError, match=r"not one of 10\.7"):
        sonarqube.chosen()
