"""What is uploaded of a zip, a folder, and a Git work tree."""

import io
import os
import socket
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.errors import CommandError
from ops.upload.git import WorkTree
from ops.upload.source import read
from tests.support.repositories import SETTINGS, Repository, written


def names(path: Path, dirty: bool = False) -> list[str]:
    return sorted(entry.path for entry in read(path, dirty).entries or ())


def archived(folder: Path) -> list[str]:
    """The files that `git archive HEAD` has."""
    command = ["git", "archive", "--format=tar", "HEAD"]
    environment = {**os.environ, **SETTINGS}
    tar = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(tar.stdout)) as opened:
            return sorted(member.name for member in opened if not member.isdir())
    except tarfile.ReadError:  # Python's word for a tar without files
        return []


def refused(path: Path, dirty: bool = False) -> tuple[str, str]:
    with pytest.raises(CommandError) as caught:
        read(path, dirty)
    assert caught.value.code == 2
    assert caught.value.fix
    return caught.value.what, caught.value.fix


FILES = {
    "app.py": "pass\n",
    "tests/test_app.py": "pass\n",
    "docs/a.md": "a",
    "sub/docs/b.md": "b",
    "sub/notes.txt": "c",
    "sub/app.py": "pass\n",
    "node_modules/x.js": "x",
    "link.py": ("app.py",),
    "ümlaut \t.txt": "d",
}


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "*.txt export-ignore\n",
        "docs/ export-ignore\n",
        "/tests export-ignore\nsub/* -export-ignore",
    ],
    ids=["none", "a pattern", "folders", "one folder"],
)
@pytest.mark.parametrize("folder", [".", "sub"])
def test_a_work_tree_has_the_files_of_git_archive(repository, attributes, folder):
    made = repository({**FILES, ".gitattributes": attributes})
    made.write(untracked="new")

    assert names(made.path / folder) == archived(made.path / folder)


@settings(max_examples=15)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "c/d"]), st.sampled_from(["a", "b", "a/b"])),
    st.lists(
        st.sampled_from(["a", "b/", "*", "/a", "**/b", "c/*", "!a", "a/b"]), unique=True, max_size=3
    ),
)
def test_any_attributes_leave_out_what_git_archive_leaves_out(tmp_path_factory, files, patterns):
    made = Repository(tmp_path_factory.mktemp("any"))
    made.git("init", "--quiet")
    made.commit(
        {
            **{f"{folder}/{name}.py": "pass" for folder, name in files.items()},
            ".gitattributes": "".join(f"{pattern} export-ignore\n" for pattern in patterns),
            "z": "",
        }
    )

    tree = WorkTree.of(made.path)
    assert tree
    assert sorted(file.path for file in tree.files()) == archived(made.path)


def test_what_is_not_committed_is_left_out_and_said(repository):
    made = repository({"app.py": "pass\n", "sub/b.py": "pass\n"})

    clean = read(made.path, False)
    made.write(**{"app.py": "changed\n"})
    changed, beside = read(made.path, False), read(made.path / "sub", False)

    assert (clean.notices, beside.notices) == ((), ())
    assert clean.commit == changed.commit == made.git("rev-parse", "HEAD")
    assert "--dirty" in changed.notices[0]


def test_a_dirty_tree_is_what_is_on_disk_and_not_ignored(repository):
    made = repository({"app.py": "pass\n", "gone.py": "", ".gitignore": "*.log\n"})
    (made.path / "gone.py").unlink()
    made.write(**{"new.py": "pass\n", "x.log": "no"})

    source = read(made.path, True)

    assert names(made.path, dirty=True) == [".gitignore", "app.py", "new.py"]
    assert source.commit == ""
    made.commit()
    assert read(made.path, True).commit == made.git("rev-parse", "HEAD")


def test_a_folder_has_all_its_files_but_those_of_git_and_npm(tmp_path):
    written(
        tmp_path,
        {
            "app.py": "",
            ".hidden": "",
            "a/node_modules/b.js": "",
            "a/b/c.py": "",
            "link": ("a",),
        },
    )
    (tmp_path / "a" / ".git").mkdir()

    assert names(tmp_path) == [".hidden", "a/b/c.py", "app.py", "link"]


def test_a_very_deep_folder_is_read(tmp_path):
    deep = tmp_path
    for _ in range(1000):
        deep = deep / "d"
        deep.mkdir()
    (deep / "app.py").touch()

    try:
        assert [name.count("/") for name in names(tmp_path)] == [1000]
    finally:  # pytest would remove it by recursion
        (deep / "app.py").unlink()
        os.removedirs(deep)


def test_submodules_are_left_out_and_named(repository):
    library, made = repository({"lib.py": ""}, "library"), repository({"app.py": ""})
    made.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "lib"
    )
    made.commit()

    for dirty in (False, True):
        source = read(made.path, dirty)
        assert sorted(entry.path for entry in source.entries or ()) == [".gitmodules", "app.py"]
        assert source.notices == ("1 submodule not uploaded, as with git archive: lib",)


def test_the_repository_of_a_hook_is_not_taken_for_that_of_the_folder(repository, monkeypatch):
    made, other = repository({"app.py": ""}), repository({"other.py": ""}, "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))

    assert names(made.path) == ["app.py"]


def test_something_else_that_is_called_dot_git_makes_no_repository(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "app.py").touch()

    assert names(tmp_path) == ["app.py"]


def test_a_zip_is_taken_as_it_is(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("app.py", "")

    assert read(tmp_path / "a.zip", False).entries is None


def test_what_cannot_be_uploaded_is_refused_in_a_sentence(tmp_path, repository):
    (tmp_path / "code.tar").write_text("not a zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("folder/", "")
    (tmp_path / "nothing").mkdir()
    made = repository({"app.py": "", ".gitignore": "build"})
    written(made.path / "build", {"app.js": ""})
    unborn = repository(name="unborn")

    assert "missing cannot be read: No such file" in refused(tmp_path / "missing")[0]
    assert "code.tar is no zip" in refused(tmp_path / "code.tar")[0]
    assert "empty.zip holds no files" in refused(tmp_path / "empty.zip")[0]
    assert "nothing holds no files" in refused(tmp_path / "nothing")[0]
    assert "HEAD has no files of" in refused(made.path / "build")[0]
    assert "without a commit" in refused(unborn.path)[0]
    assert "not of its work tree" in refused(made.path / ".git")[0]
    made.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    assert "bare.git is a bare repository" in refused(tmp_path / "bare.git")[0]
    assert "holds no files that Git does not ignore" in refused(unborn.path, dirty=True)[0]


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def deny(_path):
        raise PermissionError(13, "Permission denied", "code/secret")

    monkeypatch.setattr(os, "scandir", deny)

    assert refused(tmp_path)[0] == "code/secret cannot be read: Permission denied"


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("a.sock")

    assert "a.sock is neither" in refused(tmp_path)[0]


def test_without_git_a_work_tree_is_refused_and_a_folder_is_not(repository, tmp_path, monkeypatch):
    made = repository({"app.py": ""})
    folder = written(tmp_path / "plain", {"app.py": ""})
    monkeypatch.setenv("PATH", "")

    assert "Git is not installed" in refused(made.path)[0]
    assert names(folder) == ["app.py"]


def test_a_work_tree_of_another_user_is_refused_with_the_fix(repository, monkeypatch):
    made = repository({"app.py": ""})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    what, fix = refused(made.path)

    assert "dubious ownership" in what
    assert fix.startswith("git config --global --add safe.directory /")
