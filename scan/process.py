"""Runs a scanner as a process without access to secrets and credentials."""

import contextlib
import math
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from scan import exhausted
from scan.errors import ScanError
from scan.log import Log

# The only variables that a scanner gets: neither the build's role nor the token. The URL of a proxy
# has no password.
PASSED_ON = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# File names are UTF-8, whatever the machine's locale: CodeBuild's arm64 image sets none, and then
# Java cannot open files whose names are not ASCII.
UTF_8 = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
# Scanners call Git. A repository in the upload could make Git run programs (core.fsmonitor) and
# hide files; with this setting Git finds no repository.
NO_REPOSITORY = {"GIT_DIR": os.devnull}
# Exit codes of a process that signal n ended: -n from Python's subprocess, 128 + n from a shell
# (POSIX, Shell Command Language 2.8.2), and 256 - n if a Python program exits with -n itself.
CRASHES = {
    *(signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE),
    *(signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE, signal.SIGTERM, signal.SIGSYS),
}
# Exit codes of a process that the kernel's OOM killer ended.
KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL, 256 - signal.SIGKILL}
TAIL, MOST_TELLING, LONGEST_WORDS = 20, 3, 300
_ERROR = re.compile(r"^(?:\[\w+\]\s+)?(?:ERROR|FATAL|CRITICAL)\b[:\s]*(?P<words>.+)")
_EXCEPTION = re.compile(r"^[\w.]*(?:Error|Exception|Exit|Interrupt)\b")
_FRAME = re.compile(r"^(?:\s|at |\.\.\. \d+ more|Traceback )")


def run(
    command: Sequence[str],
    *,
    folder: Path,
    log: Log,
    extra: Mapping[str, str] | None = None,
    standard_input: str = "",
    on_line: Callable[[str], None] | None = None,
    until: float = math.inf,
) -> tuple[int, list[str]]:
    """Run ``command`` in ``folder``; each line of its output goes to ``log`` and ``on_line``.

    At ``until``, a time of ``time.monotonic``, it is killed with all processes that it started.

    Returns the exit code and the last 20 lines of output as logged, preceded by earlier lines about
    exhausted memory or disk. ``died`` turns both into an error.

    Raises:
        ScanError: the command cannot be started, or was killed at ``until``; the kernel killed it,
            or a process that it started, for lack of memory; or the disk is full.
    """
    kills = exhausted.kernel_kills()
    with _started(command, folder, extra or {}) as process, _killed_at(until, process) as killed:
        assert process.stdin
        assert process.stdout
        # A process that exits before it reads its input says why in its output.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(standard_input)
        tail = _copied(process.stdout, log, on_line)
        # It may have closed its output, and run on.
        code = process.wait()
    if killed.is_set():
        raise ScanError(
            "ScannerSlow",
            "The scanner was stopped, since the time for the scan was over.",
            "Raise the setting buildTimeout, or leave out of the zip what need not be scanned.",
        )
    if code in KILLED:
        raise exhausted.out_of_memory(f"the scanner was killed (exit status {code})")
    if exhausted.kernel_kills() > kills:
        raise exhausted.out_of_memory("the kernel killed a process of the scanner")
    if full := exhausted.by_disk(folder):
        raise full
    return code, tail


def _started(
    command: Sequence[str], folder: Path, extra: Mapping[str, str]
) -> subprocess.Popen[str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    # Below ``folder``, where disk space is guaranteed.
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, **UTF_8, **NO_REPOSITORY, "TMPDIR": str(temporary), **extra},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise exhausted.by_error(error) or ScanError(
            "ScannerNotFound",
            f"The scanner {command[0]!r} cannot be started: {error.strerror}.",
            "Correct the setting scanners, or the command of customScanner.",
        ) from error


@contextlib.contextmanager
def _killed_at(until: float, process: subprocess.Popen[str]) -> Iterator[threading.Event]:
    """Kill the process and its children at ``until``; the event says whether that happened."""
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        # Not by a process group of its own: a build that is stopped ends all of its group.
        for pid in [process.pid, *_children(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    if until == math.inf:
        yield killed
        return
    timer = threading.Timer(max(0, until - time.monotonic()), kill)
    timer.daemon = True
    timer.start()
    try:
        yield killed
    finally:
        timer.cancel()


def _children(pid: int) -> Iterator[int]:
    """All processes that ``pid`` started, as Linux lists them (proc(5)); elsewhere none."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, listed.read_text().split()):
                yield child
                yield from _children(child)


def _copied(output: Iterable[str], log: Log, on_line: Callable[[str], None] | None) -> list[str]:
    """Copy the output into the log; returns the lines that ``run`` returns."""
    telling: list[str] = []
    tail: deque[str] = deque(maxlen=TAIL)
    for line in output:
        masked = log.safe(line.rstrip("\n"))
        log.write(masked)
        if on_line:
            on_line(masked)
        tail.append(masked)
        if len(telling) < MOST_TELLING and exhausted.by_words([masked]):
            telling.append(masked)
    return [*(telling_line for telling_line in telling if telling_line not in tail), *tail]


def died(scanner: str, code: int, tail: Sequence[str]) -> ScanError:
    """The error for engines to raise if ``scanner`` left no result; the rest is from ``run``."""
    return exhausted.by_words(tail) or ScanError(
        "ScannerFailed",
        ended(scanner, code, tail),
        "Its log says more: the scanner may not get on with a file of the upload.",
    )


def ended(scanner: str, code: int, tail: Sequence[str], what: str = "left no result") -> str:
    """One sentence: how ``scanner`` ended, with which result (``what``), and its last message."""
    number = next(
        (number for number in (-code, code - 128, 256 - code) if number in CRASHES), -code
    )
    how = f"ended with exit status {code}"
    if number > 0:
        how = f"was ended by {_signal(number)} (exit status {code})"
    words = last_words(tail)
    return f"{scanner} {how} and {what}" + (f": {words}" if words else ", without a word.")


def last_words(tail: Sequence[str]) -> str:
    """The most telling line at the end of a scanner's output; empty if there is no output.

    The exception that ended it, else the first line marked as an error, else the last line.
    """
    lines = [item for item in tail if item and not _FRAME.match(item)]
    if not lines:
        return ""
    errors = [match["words"] for row in lines if (match := _ERROR.match(row))]
    words = lines[-1] if _EXCEPTION.match(lines[-1]) or not errors else errors[0]
    return words.strip()[:LONGEST_WORDS]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
