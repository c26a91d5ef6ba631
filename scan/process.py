"""Runs a scanner as a process that knows nothing it does not need."""

import contextlib
import os
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from scan.broken import Broken
from scan.log import Log

# The build's role and the token stay out of the scanner's reach; only these pass.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
# Scanners ask Git about the code; a repository in the upload could name programs for Git to run
# (core.fsmonitor) and hide files. With this Git finds none.
NO_REPOSITORY = {"GIT_DIR": os.devnull}


def run(
    command: Sequence[str],
    *,
    folder: Path,
    log: Log,
    extra: Mapping[str, str] | None = None,
    standard_input: str = "",
) -> tuple[int, list[str]]:
    """Run ``command`` in ``folder``, its output line by line into ``log``.

    Returns its exit code and the last 20 lines of its output, as they are in the log.

    Raises:
        Broken: there is no such command.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, **NO_REPOSITORY, **(extra or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise Broken(
            "ScannerNotFound",
            f"The scanner {command[0]!r} cannot be started: {error.strerror}.",
            "Correct the setting sarifCommand, or install the tool into the build.",
        ) from error
    tail: deque[str] = deque(maxlen=20)
    with process:
        assert process.stdin
        assert process.stdout
        # Who ends before it has read says in its output why.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(standard_input)
        for line in process.stdout:
            shown = log.safe(line.rstrip("\n"))
            log.write(shown)
            tail.append(shown)
    return process.returncode, list(tail)
