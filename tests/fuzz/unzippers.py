"""The unzippers that are installed here, as functions of a zip and a folder.

Each returns whether the unzipper reported success.
"""

import os
import shutil
import subprocess
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

JAVA = Path(__file__).with_name("Unzip.java")
# A locale that can represent every name.
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
PATIENCE_SECONDS = 20
COMMANDS = {
    "unzip": ["unzip", "-qq", "-o", "{zip}", "-d", "{to}"],
    "7z": ["7zz", "x", "-y", "-bd", "-bso0", "-bse0", "-o{to}", "{zip}"],
    "bsdtar": ["bsdtar", "-xf", "{zip}", "-C", "{to}"],
    "bsdtar (stream)": ["bsdtar", "-xf", "-", "-C", "{to}"],
    "busybox": ["busybox", "unzip", "-q", "-o", "{zip}", "-d", "{to}"],
}
NAMES = ("python", *COMMANDS, "ZipInputStream", "ZipFile")
Unzipper = Callable[[Path, Path], bool]


@contextmanager
def installed(java_folder: Path) -> Iterator[dict[str, Unzipper]]:
    """The unzippers by name; the Java program is compiled into ``java_folder``."""
    result: dict[str, Unzipper] = {"python": _python}
    for name, command in COMMANDS.items():
        program = shutil.which(command[0]) or (shutil.which("7z") if name == "7z" else None)
        if program:
            result[name] = _command([program, *command[1:]])
    if shutil.which("javac") and shutil.which("java"):
        with Java(java_folder) as java:
            yield result | {"ZipInputStream": java.stream, "ZipFile": java.file}
    else:
        yield result


def _python(archive: Path, to: Path) -> bool:
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(to)
        return True
    return False


def _command(command: list[str]) -> Unzipper:
    is_stream = "{zip}" not in command

    def unzip(archive: Path, to: Path) -> bool:
        words = [word.replace("{zip}", str(archive)).replace("{to}", str(to)) for word in command]
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                words,
                # Through a pipe, so that it cannot read the end first; no zip has a password.
                input=archive.read_bytes() if is_stream else b"",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                check=False,
                timeout=PATIENCE_SECONDS,
                close_fds=False,
            )
            return done.returncode == 0
        return False

    return unzip


class Java:
    """One Java process that unpacks one zip after the other."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(["javac", "-d", folder, JAVA], check=True, env=ENVIRONMENT)
        self._process = subprocess.Popen(
            ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", folder, "Unzip"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )

    def stream(self, archive: Path, to: Path) -> bool:
        """Unpack with ``ZipInputStream``, which reads from the start."""
        return self._unpack("stream", archive, to)

    def file(self, archive: Path, to: Path) -> bool:
        """Unpack with ``ZipFile``, which starts at the central directory."""
        return self._unpack("file", archive, to)

    def _unpack(self, how: str, archive: Path, to: Path) -> bool:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{how}\t{archive}\t{to}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if answer not in {"done\n", "failed\n"}:
            raise RuntimeError("Java ended while it unpacked a zip")
        return answer == "done\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()
