"""What an upload consists of: a zip, the files of a folder, or those of a Git work tree."""

import os
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops import output
from ops.errors import CommandError
from ops.upload.git import EXECUTABLE, FILE, LINK, SUBMODULE, WorkTree

# Folders (and files of submodules) that are not packed, at every depth of a folder without Git.
LEFT_OUT = frozenset({".git", "node_modules"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file or link; ``mode`` is Git's, ``blob`` names its content, empty for that on disk."""

    path: str
    mode: int
    blob: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What to upload: the finished zip ``path``, or ``entries`` below the folder ``path``.

    ``commit`` is the commit that has exactly these entries, empty if none has; ``notices`` are
    sentences about what is not in it.
    """

    path: Path
    entries: Sequence[Entry] | None = None
    tree: WorkTree | None = None
    commit: str = ""
    notices: tuple[str, ...] = ()


def read(path: Path, dirty: bool) -> Source:
    """Return what there is to upload at ``path``; of a work tree as it is on disk if ``dirty``.

    Raises:
        CommandError: there is nothing that could be uploaded.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return _zip(path)
        source = _folder(path, dirty) if stat.S_ISDIR(mode) else None
    except OSError as error:
        raise unreadable(error, path) from error
    if source is None:
        raise CommandError(f"{path} is neither a file nor a folder", "name a zip or a folder")
    if not source.entries:
        raise _empty(source, dirty)
    return source


def unreadable(error: OSError, path: Path) -> CommandError:
    """The error for a file or folder that the system does not give."""
    return CommandError(
        f"{error.filename or path} cannot be read: {error.strerror or error}",
        "name a zip, a folder or a Git work tree that you may read",
    )


def _zip(path: Path) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise CommandError(
            f"{path} is no zip that can be read: {error}", "name a zip, or the folder itself"
        ) from error
    if all(name.endswith("/") for name in names):
        raise CommandError(f"{path} holds no files", "zip the code again")
    return Source(path=path)


def _folder(path: Path, dirty: bool) -> Source:
    tree = WorkTree.of(path)
    if tree is None:
        return Source(path=path, entries=sorted(_walk(path), key=lambda entry: entry.path))
    if dirty:
        return _as_on_disk(path, tree)
    if not tree.commit:
        raise CommandError(
            f"{path} is a Git repository without a commit",
            "commit the code, or upload the files as they are: --dirty",
        )
    files = tree.files()
    notices = _about_submodules([file.path for file in files if file.mode == SUBMODULE])
    if tree.has_changes:
        notices += (
            f"{path} has uncommitted changes, which are not uploaded (with --dirty they are)",
        )
    return Source(
        path=path,
        entries=[
            Entry(path=file.path, mode=file.mode, blob=file.blob)
            for file in files
            if file.mode != SUBMODULE
        ],
        tree=tree,
        commit=tree.commit,
        notices=notices,
    )


def _as_on_disk(path: Path, tree: WorkTree) -> Source:
    entries: list[Entry] = []
    submodules: list[str] = []
    for name in tree.on_disk():
        try:
            status = (path / name).lstat()
        except FileNotFoundError:  # deleted, but still tracked
            continue
        if stat.S_ISDIR(status.st_mode):
            submodules.append(name)
        else:
            entries.append(_entry(name, status))
    return Source(
        path=path,
        entries=entries,
        tree=tree,
        commit="" if tree.has_changes else tree.commit,
        notices=_about_submodules(submodules),
    )


def _walk(root: Path) -> Iterator[Entry]:
    ahead = [""]
    while ahead:
        folder = ahead.pop()
        with os.scandir(root / folder) as children:
            for child in children:
                if child.name in LEFT_OUT:
                    continue
                if child.is_dir(follow_symlinks=False):
                    ahead.append(f"{folder}{child.name}/")
                else:
                    yield _entry(f"{folder}{child.name}", child.stat(follow_symlinks=False))


def _entry(path: str, status: os.stat_result) -> Entry:
    if stat.S_ISLNK(status.st_mode):
        return Entry(path=path, mode=LINK)
    if not stat.S_ISREG(status.st_mode):
        raise CommandError(f"{path} is neither a file, a folder nor a link", "remove it")
    return Entry(path=path, mode=EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE)


def _about_submodules(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (
        f"{output.counted(len(names), 'submodule')} not uploaded, as with git archive: "
        f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}",
    )


def _empty(source: Source, dirty: bool) -> CommandError:
    if source.tree is None:
        return CommandError(f"{source.path} holds no files", "name the folder with the code")
    if dirty:
        return CommandError(f"{source.path} holds no files that Git does not ignore", "zip them")
    return CommandError(
        f"the commit HEAD has no files of {source.path}",
        "commit them, or upload the files as they are: --dirty; zip what Git ignores",
    )
