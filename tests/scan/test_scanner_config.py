"""Files with which an upload would configure a SARIF tool are removed before it runs."""

import hashlib
from pathlib import Path

import pytest

from scan.sarif.recipes import named, settings_files
from scan.sarif.scanner_config import REASON, RemovedSettings, remove
from tests.scan.scanning import tree

FILES = {
    ".bandit": "[bandit]\nskips: B602\n",
    "deep/down/.SemgrepIgnore": "*\n",
    "web/trivy.yaml": "exit-code: 0\n",
    "app.py": "pass\n",
}


def left(source: Path) -> set[str]:
    return {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}


def removed(
    source: Path, command: str = "own-tool", exclusions_too: bool = True
) -> RemovedSettings:
    selected = settings_files(named(command), command)
    return remove(source, selected, exclusions_too=exclusions_too)


def test_settings_files_are_removed_at_any_depth_and_in_any_case(tmp_path):
    source = tree(FILES, tmp_path)

    ignored = removed(source).ignored

    assert left(source) == {"app.py"}
    assert {(setting.file, setting.key, setting.value) for setting in ignored} == {
        (name, name.rpartition("/")[2], text) for name, text in FILES.items() if name != "app.py"
    }
    assert all(setting.weakens for setting in ignored)


def test_the_content_of_what_is_removed_is_remembered(tmp_path):
    contents = removed(tree(FILES, tmp_path)).contents

    assert contents == {
        name: hashlib.sha256(text.encode()).hexdigest()
        for name, text in FILES.items()
        if name != "app.py"
    }


def test_only_those_of_the_tool_that_runs_are_removed(tmp_path):
    source = tree(FILES, tmp_path)

    assert [item.file for item in removed(source, "semgrep {source}").ignored] == [
        "deep/down/.SemgrepIgnore"
    ]
    assert left(source) == FILES.keys() - {"deep/down/.SemgrepIgnore"}


def test_with_allowed_exclusions_only_other_settings_are_removed(tmp_path):
    source = tree(FILES, tmp_path)

    ignored = removed(source, exclusions_too=False).ignored

    assert {setting.file for setting in ignored} == {".bandit", "web/trivy.yaml"}
    assert left(source) == {"app.py", "deep/down/.SemgrepIgnore"}


@pytest.mark.parametrize(
    ("text", "is_removed"),
    [
        ("[tool.ruff.lint]\nselect = []\n", True),
        ('[tool."r\\u0075ff"]\n', True),
        ("[tool.black]\nline-length = 100\n", False),
        ("x" * 2_000_000, True),
    ],
    ids=["of ruff", "written in escapes", "of others", "too large to look into"],
)
def test_a_shared_settings_file_is_removed_if_this_tool_reads_it(text, is_removed, tmp_path):
    source = tree({"pyproject.toml": text}, tmp_path)

    assert bool(removed(source, "ruff check {source}").ignored) is is_removed
    assert left(source) == (set() if is_removed else {"pyproject.toml"})


def test_a_settings_file_that_is_code_has_not_been_analysed(tmp_path):
    source = tree({"web/eslint.config.js": "export default []\n", ".eslintrc": "{}"}, tmp_path)

    result = removed(source, "eslint {source}")

    assert result.unread == {"web/eslint.config.js": REASON}
    assert [setting.file for setting in result.ignored] == [".eslintrc", "web/eslint.config.js"]


@pytest.mark.parametrize("name", [".bandit/app.py", ".eslintrc.d/app.js", "info/exclude"])
def test_files_in_a_folder_with_the_name_of_a_settings_file_stay(name, tmp_path):
    source = tree({name: "pass\n"}, tmp_path)

    assert removed(source).ignored == []
    assert left(source) == {name}


@pytest.mark.parametrize("body", [b"x" * 10_000, b"\xff" * 500])
def test_a_large_or_binary_settings_file_is_recognised_by_its_beginning(tmp_path, body):
    source = tree({".bandit": body}, tmp_path)

    [ignored] = removed(source).ignored

    assert len(ignored.value) == 200
