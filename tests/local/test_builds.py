"""A build here has the environment of one in CodeBuild."""

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from local.builds import Builds

PROJECT = {
    "name": "scan",
    "arn": "arn:aws:codebuild:eu-central-1:123456789012:project/scan",
    "serviceRole": "arn:aws:iam::123456789012:role/scan",
    "cache": {"type": "S3", "location": "work/cache"},
    "timeoutInMinutes": 1,
    "source": {"location": "work/source/scan.zip", "buildspec": ""},
    "environment": {"environmentVariables": []},
    "logsConfig": {"cloudWatchLogs": {"groupName": "scan"}},
}


def built(*commands: str) -> dict[str, Any]:
    """Build with ``commands`` in a source that holds one file, ``here``."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as source:
        source.writestr("here", "")
    aws = MagicMock()
    aws.batch_get_projects.return_value = {"projects": [PROJECT]}
    aws.get_object.return_value = {"Body": io.BytesIO(body.getvalue())}
    builds = Builds(lambda _name, **_: aws, "http://127.0.0.1", MagicMock())
    # JSON is YAML.
    builds.buildspec = json.dumps({"version": 0.2, "phases": {"build": {"commands": commands}}})
    build = builds.start("scan", [], "token")
    ended = builds.ended(build["Id"], within=60)
    builds.stop()
    assert ended
    return ended


def test_a_build_runs_in_its_source_folder_and_knows_its_path():
    ended = built("test -f $CODEBUILD_SRC_DIR/here", "test $PWD = $CODEBUILD_SRC_DIR")

    assert ended["BuildStatus"] == "SUCCEEDED"


def test_a_build_has_no_locale_like_the_arm64_image_of_codebuild(monkeypatch):
    monkeypatch.setenv("LANG", "de_DE.UTF-8")

    assert built('test -z "$LANG"')["BuildStatus"] == "SUCCEEDED"


@pytest.fixture
def shallow() -> Iterator[None]:
    """Python's own depth of recursion; jsonata raises it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("shallow")
def test_a_build_removes_its_folders_of_any_depth(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dig = "import os; [(os.mkdir('d'), os.chdir('d')) for _ in range(1500)]"

    assert built(f'python3 -c "{dig}"')["BuildStatus"] == "SUCCEEDED"
    assert list(tmp_path.iterdir()) == []
