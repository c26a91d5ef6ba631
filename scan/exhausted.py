"""Detects that the machine was too small: out of memory, or out of disk space."""

import errno
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from scan.errors import ScanError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
# In bytes. With less free space the rest of the scan fails, even if the scanner succeeded.
LEAST_DISK = 1024 * 1024
LARGER = "Give scans a larger machine (setting computeType), then scan again."
# Log levels at the start of a line.
_LEVEL = re.compile(r"^(?:\[\w+\]\s+|# )?(?:(?:ERROR|WARN|INFO)\b[:\s]*)?")
_PREFIX = (
    _LEVEL.pattern
    + r'(?:Exception in thread "[^"]*" )?(?:Caused by: )?(?:[\w.$]*(?:Error|Exception): )*'
)
# The messages of Java, Node, SonarJS, Python, C++, Go, Rust, OCaml, and the kernel. Only at the
# start of a line, since scanners quote code and file names.
_MEMORY = re.compile(
    _PREFIX + r"(?:(?:Terminating due to )?java\.lang\.OutOfMemoryError(?::|$)"
    r"|There is insufficient memory for the Java Runtime"
    r"|FATAL ERROR: .*\bheap out of memory"
    r"|Error \[ERR_WORKER_OUT_OF_MEMORY\]"
    r"|The analysis will stop due to the Node\.js process running out of memory"
    r"|(?:[\w.]+\.)?MemoryError(?::|$)"
    r"|terminate called after throwing an instance of 'std::bad_alloc'"
    r"|(?:fatal error: )?runtime: out of memory"
    r"|memory allocation of \d+ bytes failed"
    r"|Fatal error: (?:exception )?(?:Stdlib\.)?Out[ _]of[ _]memory"
    r"|\[Errno 12\] Cannot allocate memory)"
)
_DISK = re.compile(
    r"(?:\[Errno \d+\] |ENOSPC: |: )(?:No space left on device|Disk quota exceeded)(?:$|[:,])",
    re.IGNORECASE,
)


def out_of_memory(why: str) -> ScanError:
    """The error for exhausted memory; ``why`` is the evidence of it, without a full stop."""
    return ScanError("OutOfMemory", f"The scan ran out of memory: {why[:300]}.", LARGER)


def disk_full(why: str) -> ScanError:
    """The error for a full disk; ``why`` is the evidence of it, without a full stop."""
    return ScanError("DiskFull", f"The scan ran out of disk space: {why[:300]}.", LARGER)


def by_words(lines: Iterable[str]) -> ScanError | None:
    """The error for memory or disk that a failed scanner's output reports, if any.

    Call it only after a failure: the upload may contain the same words, and scanners quote it.
    """
    for line in lines:
        words = _LEVEL.sub("", line).strip().rstrip(".")
        if _DISK.search(line):
            return disk_full(words)
        if _MEMORY.search(line):
            return out_of_memory(words)
    return None


def by_error(error: BaseException) -> ScanError | None:
    """The error for memory or disk that an exception of our own process, or its cause, shows."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause and id(cause) not in seen:
        seen.add(id(cause))
        number = cause.errno if isinstance(cause, OSError) else None
        if isinstance(cause, MemoryError) or number == errno.ENOMEM:
            return out_of_memory(f"{type(cause).__name__} in the build itself")
        if number in NO_ROOM:
            return disk_full(str(cause))
        cause = cause.__cause__ or cause.__context__
    return None


def by_disk(folder: Path) -> ScanError | None:
    """The error for a full disk if ``folder`` has less than ``LEAST_DISK`` free."""
    free = shutil.disk_usage(folder).free
    return disk_full(f"{free:,} bytes are free") if free < LEAST_DISK else None


def kernel_kills(root: Path = Path("/")) -> int:
    """How many processes of our control group the kernel's OOM killer has ended; 0 if unknown.

    Sources: ``memory.events`` in
    https://docs.kernel.org/admin-guide/cgroup-v2.html, and for version 1 ``memory.oom_control`` in
    https://docs.kernel.org/admin-guide/cgroup-v1/memory.html.
    """
    for path in _counters(root):
        try:
            words = dict(line.split() for line in path.read_text().splitlines())
            return int(words["oom_kill"])
        except (OSError, ValueError, KeyError):
            continue
    return 0


def _counters(root: Path) -> Iterable[Path]:
    """Files that may have the count; a container sees its own group as the root."""
    mounted = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    # hierarchy:controllers:/path (https://man7.org/linux/man-pages/man7/cgroups.7.html)
    groups = [
        (parts[1], parts[2].lstrip("/")) for line in lines if len(parts := line.split(":", 2)) == 3
    ]
    for controllers, group in groups:
        if "memory" in controllers.split(","):
            yield mounted / "memory" / group / "memory.oom_control"
        elif not controllers:
            yield mounted / group / "memory.events"
    yield mounted / "memory" / "memory.oom_control"
    yield mounted / "memory.events"
