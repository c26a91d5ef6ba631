"""Commit messages and release notes."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


commits, release_notes = script("commits"), script("release_notes")


@pytest.mark.parametrize(
    "message",
    [
        "fix(scan): refuse zips whose directory lies about sizes",
        "feat!: name settings by what they hold",
        "docs: URLs of the runbook\n\nBecause they moved.",
        "Merge branch 'main'",
        'Revert "feat: x"',
    ],
)
def test_a_conventional_message_is_accepted(message):
    assert list(commits.faults(message)) == []


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Fix the scan",
        "fix:no space",
        "fix(Scan): a scope in capitals",
        "feature: no such type",
        "fix: Begins in upper case",
        "fix: ends with a full stop.",
        "fix: " + "x" * 96,
        "fix: a\nbody without an empty line",
    ],
)
def test_another_message_is_refused(message):
    assert list(commits.faults(message)) != []


def test_the_hook_reads_the_file_without_gits_comments(tmp_path, capsys):
    message = tmp_path / "COMMIT_EDITMSG"

    message.write_text("fix: it\n\n# Please enter the commit message\n")
    assert commits.main([str(message)]) == 0
    message.write_text("it\n# fix: a comment\n")
    assert commits.main([str(message)]) == 1
    assert "'it' is not `type(scope): subject`" in capsys.readouterr().err


def test_a_range_is_checked_without_its_merges(tmp_path, monkeypatch):
    def git(*arguments):
        own = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *own, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-b", "main")
    for message in ("before the habit", "fix: one", "two", "fix: three"):
        git("commit", "--allow-empty", "-m", message)
    monkeypatch.chdir(tmp_path)

    assert [item.split()[0] for item in commits.of_range("HEAD~3..HEAD")] == ["'two'"]
    assert commits.main(["--range", "HEAD~1..HEAD"]) == 0
    # GitHub's value for a new branch.
    assert commits.main(["--range", f"{'0' * 40}..HEAD"]) == 0


def test_the_notes_are_the_versions_section():
    text = "# Changelog\n\n## 2.0.0 - 2026-12-01\n\n- This.\n\n## 1.0.0 - 2026-11-24\n\n- That.\n"

    assert release_notes.notes(text, "2.0.0") == "- This.\n"
    assert release_notes.notes(text, "1.0.0") == "- That.\n"
    with pytest.raises(ValueError, match="no section"):
        release_notes.notes(text, "2.0")


def test_a_tag_of_another_version_is_refused(capsys):
    assert release_notes.main(["v0.0.1"]) == 1
    assert "the tag is v0.0.1" in capsys.readouterr().err


def test_the_version_is_in_one_place():
    current = release_notes.version((ROOT / "pyproject.toml").read_text())
    assigned = rf'^[^#]*\bversion(__)?"? ?[=:] ?"{re.escape(current)}"'
    listed = subprocess.run(
        ["git", "grep", "-lE", assigned, "--", ".", ":!tests", ":!node"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()

    assert listed == ["pyproject.toml"]


def test_the_changelog_names_the_version_that_comes_or_is():
    current = release_notes.version((ROOT / "pyproject.toml").read_text())
    [first, *_] = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert first.startswith(current) or first == f"Unreleased ({current})"


def test_the_scripts_need_no_environment():
    """CI and the git hook may run them before `make setup`."""
    result = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / ".ci" / "release_notes.py", "v0"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, "the tag is v0" in result.stderr) == (1, True)
