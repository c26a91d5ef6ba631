"""Files by which an upload would steer a SARIF tool are not there when it runs."""

import pytest

from scan.sarif import steering
from tests.scan.scanning import tree

FILES = {
    ".bandit": "[bandit]\nskips: B602\n",
    "deep/down/.SemgrepIgnore": "*\n",
    "web/trivy.yaml": "exit-code: 0\n",
    "app.py": "pass\n",
}


def left(source) -> set[str]:
    return {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}


def test_at_any_depth_and_in_any_letters_they_are_removed_and_named(tmp_path):
    source = tree(FILES, tmp_path)

    ignored = steering.set_aside(source, exclusions_too=True)

    assert left(source) == {"app.py"}
    assert {(each.file, each.key, each.value) for each in ignored} == {
        (name, name.rpartition("/")[2], text) for name, text in FILES.items() if name != "app.py"
    }
    assert all(each.weakens for each in ignored)


def test_where_exclusions_are_allowed_only_what_steers_otherwise_is_removed(tmp_path):
    source = tree(FILES, tmp_path)

    ignored = steering.set_aside(source, exclusions_too=False)

    assert [each.file for each in ignored] == ["web/trivy.yaml"]
    assert left(source) == FILES.keys() - {"web/trivy.yaml"}


def test_a_folder_of_such_a_name_stays(tmp_path):
    source = tree({".bandit/app.py": "pass\n"}, tmp_path)

    assert steering.set_aside(source, exclusions_too=True) == []
    assert left(source) == {".bandit/app.py"}


@pytest.mark.parametrize("body", [b"x" * 10_000, b"\xff" * 500])
def test_a_large_one_or_no_text_is_told_by_its_beginning(tmp_path, body):
    source = tree({".bandit": body}, tmp_path)

    [ignored] = steering.set_aside(source, exclusions_too=True)

    assert len(ignored.value) == 200
