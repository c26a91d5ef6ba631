"""Asks Git about a work tree: what its last commit has, what changed since, whose it is."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Self

from domain.sanitize import line
from ops.errors import CommandError

# Git's modes for files (gitformat-index(5)).
FILE, EXECUTABLE, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
CHUNK = 1024 * 1024
# What a repository has without a work tree (gitrepository-layout(5)).
WITHOUT_WORK_TREE = ("HEAD", "objects", "refs")
# A hook of Git has these set for its own repository (git rev-parse --local-env-vars).
OF_A_HOOK = {
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
}  # fmt: skip
# Settings and replacements of this machine must not change what a commit has.
SETTINGS = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
OPTIONS = ("-c", "core.attributesFile=/dev/null", "-c", "core.splitIndex=false")


class GitFile(NamedTuple):
    """A file, link or submodule of a commit; ``blob`` is the id of its content."""

    path: str
    mode: int
    blob: str


class WorkTree:
    """The work tree that ``folder`` is the top of, or is in."""

    def __init__(self, folder: Path, top: Path) -> None:
        self.folder, self.top = folder, top

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Return the work tree of ``folder``, None if it is in no repository.

        Raises:
            CommandError: Git is not installed, or does not answer.
        """
        absolute = folder.resolve()
        if not any((parent / ".git").exists() for parent in (absolute, *absolute.parents)):
            if all((absolute / name).exists() for name in WITHOUT_WORK_TREE):
                raise CommandError(
                    f"{folder} is a bare repository, which has no files of the code",
                    "clone it, and name the clone",
                )
            return None
        try:
            inside = _run(absolute, "rev-parse", "--is-inside-work-tree")
        except CommandError as failure:
            # Something else of that name.
            if "not a git repository" in failure.what:
                return None
            raise
        if inside.strip() != b"true":
            raise CommandError(
                f"{folder} is part of a repository, but not of its work tree",
                "name the folder that was checked out",
            )
        top = _run(absolute, "rev-parse", "--show-toplevel").removesuffix(b"\n")
        return cls(absolute, Path(os.fsdecode(top)))

    @property
    def commit(self) -> str:
        """The id of the commit HEAD, empty if there is none yet."""
        return self._line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    @property
    def branch(self) -> str:
        """The branch that is checked out, empty if there is none."""
        return self._line("symbolic-ref", "--quiet", "--short", "HEAD")

    @property
    def author(self) -> str:
        """The author of the commit HEAD: ``Name <address>``."""
        return self._line("log", "-1", "--no-show-signature", "--format=%an <%ae>")

    @property
    def origin(self) -> str:
        """The address of the remote ``origin``, which may contain a password."""
        return self._line("config", "--get", "remote.origin.url")

    @property
    def email(self) -> str:
        """The address of the person who works here."""
        return self._line("config", "--get", "user.email")

    @property
    def has_changes(self) -> bool:
        """Whether something below the folder differs from HEAD and is not ignored."""
        changes = ("status", "--porcelain", "--ignore-submodules=all", "--", ".")
        return bool(_run(self.folder, *changes))

    def files(self) -> list[GitFile]:
        """What `git archive HEAD` has for the folder, as the commit has it.

        Files with the attribute export-ignore are left out. Other attributes change nothing:
        contents that were converted, filtered or expanded (export-subst) would depend on the
        machine. Like `git archive`, it uses only the folder's own .gitattributes.
        """
        tree = self._line("rev-parse", "--verify", "--quiet", "HEAD:./")
        listed = _run(self.top, "ls-tree", "-r", "-z", "--full-tree", tree) if tree else b""
        files: list[GitFile] = []
        for row in filter(None, listed.split(b"\0")):
            words, _, path = row.partition(b"\t")
            mode, _, blob = words.decode().split(" ")
            files.append(GitFile(os.fsdecode(path), int(mode, 8), blob))
        ignored = self._export_ignored(tree, _with_folders(files)) if files else set[str]()
        return [
            file
            for file in files
            if file.path not in ignored and not any(map(ignored.__contains__, _folders(file.path)))
        ]

    def on_disk(self) -> list[str]:
        """The paths below the folder that are tracked, or untracked and not ignored."""
        listed = _run(self.folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return sorted({os.fsdecode(path) for path in listed.split(b"\0") if path})

    def _export_ignored(self, tree: str, paths: Sequence[str]) -> set[str]:
        with tempfile.TemporaryDirectory() as folder:
            # Attributes of the commit, which need not be checked out.
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            _run(self.top, "read-tree", tree, extra=index)
            answer = _run(
                self.top,
                *("check-attr", "--cached", "-z", "--stdin", "export-ignore"),
                extra=index,
                given=b"".join(os.fsencode(path) + b"\0" for path in paths),
            )
        fields = answer.split(b"\0")
        rows = zip(fields[::3], fields[2::3], strict=False)
        return {os.fsdecode(path) for path, value in rows if value == b"set"}

    def _line(self, *arguments: str) -> str:
        """The first line of an answer, empty if Git has none."""
        answer = _run(self.folder, *arguments, expected=(0, 1, 128))
        return answer.decode(errors="replace").partition("\n")[0].strip()


@contextmanager
def blobs(folder: Path) -> Iterator["Blobs"]:
    """Read contents from the repository of ``folder``."""
    with subprocess.Popen(
        ["git", *OPTIONS, "cat-file", "--batch"],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield Blobs(process.stdin, process.stdout)
        finally:
            process.kill()


class Blobs:
    """Contents of files of a repository."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers

    def read(self, blob: str) -> tuple[int, Iterator[bytes]]:
        """Return the size and the chunks of a content; all must be read before the next.

        Raises:
            CommandError: the repository does not have it.
        """
        self._requests.write(f"{blob}\n".encode())
        self._requests.flush()
        words = self._answers.readline().split()
        if len(words) != 3:
            raise CommandError(
                f"the repository has no content for {blob}", "git fetch, or clone it completely"
            )
        return int(words[2]), self._chunks(int(words[2]))

    def _chunks(self, size: int) -> Iterator[bytes]:
        while size and (chunk := self._answers.read(min(CHUNK, size))):
            size -= len(chunk)
            yield chunk
        self._answers.read(1)  # the line feed that follows each content


def _with_folders(files: Sequence[GitFile]) -> list[str]:
    folders = {folder for file in files for folder in _folders(file.path)}
    return sorted(folders) + [file.path for file in files]


def _folders(path: str) -> Iterator[str]:
    """The folders that ``path`` is in, with the slash by which attributes know a folder."""
    at = path.find("/")
    while at >= 0:
        yield path[: at + 1]
        at = path.find("/", at + 1)


def _environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    return {**inherited, **SETTINGS, **(extra or {})}


def _run(
    folder: Path,
    *arguments: str,
    given: bytes = b"",
    extra: dict[str, str] | None = None,
    expected: Sequence[int] = (0,),
) -> bytes:
    try:
        result = subprocess.run(
            ["git", *OPTIONS, *arguments],
            cwd=folder,
            env=_environment(extra),
            input=given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(
            f"{folder} is in a Git work tree, but Git is not installed here",
            "install it, or zip the code yourself and upload the zip",
        ) from error
    if result.returncode not in expected:
        message = line(result.stderr.decode(errors="replace").replace("\n", " "), 300)
        raise CommandError(
            f"Git does not read {folder}: {message}",
            f"git config --global --add safe.directory {folder}"
            if "dubious ownership" in message
            else "see what git status says there",
        )
    return result.stdout
