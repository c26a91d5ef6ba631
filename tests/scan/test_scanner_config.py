"""A SARIF tool does not see the files with which an upload would configure it."""

from pathlib import Path

import pytest

from scan.sarif.recipes import named, settings_files
from scan.sarif.scanner_config import View, view
from scan.union import SETTINGS_FILE
from tests.scan.scanning import tree

FILES = {
    ".bandit": "[bandit]\nskips: B602\n",
    "deep/down/.SemgrepIgnore": "*\n",
    "web/trivy.yaml": "exit-code: 0\n",
    "app.py": "pass\n",
}


def left(source: Path) -> set[str]:
    return {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}


def seen(source: Path, command: str = "own-tool", exclusions_too: bool = True) -> View:
    selected = settings_files(named(command), command)
    return view(source, source.with_name("v0"), selected, exclusions_too=exclusions_too)


def test_settings_files_are_hidden_at_any_depth_and_in_any_case(tmp_path):
    source = tree(FILES, tmp_path / "source")

    result = seen(source)

    assert left(result.source) == {"app.py"}
    assert {(setting.file, setting.key, setting.value) for setting in result.ignored} == {
        (name, name.rpartition("/")[2], text) for name, text in FILES.items() if name != "app.py"
    }
    assert all(setting.weakens for setting in result.ignored)


def test_other_tools_see_what_one_does_not(tmp_path):
    source = tree(FILES, tmp_path / "source")

    hidden = seen(source)

    assert hidden.source != source
    assert left(source) == FILES.keys()
    assert (hidden.source / "app.py").samefile(source / "app.py")


def test_without_settings_files_all_tools_share_one_folder(tmp_path):
    source = tree({"app.py": "pass"}, tmp_path / "source")

    assert seen(source).source == source


def test_only_those_of_the_tool_that_runs_are_hidden(tmp_path):
    source = tree(FILES, tmp_path / "source")

    result = seen(source, "semgrep {source}")

    assert [item.file for item in result.ignored] == ["deep/down/.SemgrepIgnore"]
    assert left(result.source) == FILES.keys() - {"deep/down/.SemgrepIgnore"}


def test_with_allowed_exclusions_only_other_settings_are_hidden(tmp_path):
    source = tree(FILES, tmp_path / "source")

    result = seen(source, exclusions_too=False)

    assert {setting.file for setting in result.ignored} == {".bandit", "web/trivy.yaml"}
    assert left(result.source) == {"app.py", "deep/down/.SemgrepIgnore"}


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
def test_a_shared_settings_file_is_hidden_if_this_tool_reads_it(text, is_removed, tmp_path):
    source = tree({"pyproject.toml": text}, tmp_path / "source")

    result = seen(source, "ruff check {source}")

    assert bool(result.ignored) is is_removed
    assert left(result.source) == (set() if is_removed else {"pyproject.toml"})


def test_a_settings_file_that_is_code_has_not_been_analysed(tmp_path):
    source = tree(
        {"web/eslint.config.js": "export default []\n", ".eslintrc": "{}"}, tmp_path / "source"
    )

    result = seen(source, "eslint {source}")

    assert result.unread == {"web/eslint.config.js": SETTINGS_FILE}
    assert [setting.file for setting in result.ignored] == [".eslintrc", "web/eslint.config.js"]


@pytest.mark.parametrize("name", [".bandit/app.py", ".eslintrc.d/app.js", "info/exclude"])
def test_files_in_a_folder_with_the_name_of_a_settings_file_stay(name, tmp_path):
    source = tree({name: "pass\n"}, tmp_path / "source")

    assert seen(source).ignored == []
    assert left(source) == {name}


@pytest.mark.parametrize("body", [b"x" * 10_000, b"\xff" * 500])
def test_a_large_or_binary_settings_file_is_recognised_by_its_beginning(tmp_path, body):
    source = tree({".bandit": body}, tmp_path / "source")

    [ignored] = seen(source).ignored

    assert len(ignored.value) == 200
