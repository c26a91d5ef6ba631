"""A machine that is too small is distinguished from a failing scanner and from quoted text."""

import errno
from pathlib import Path

import pytest

from scan import exhausted
from scan.errors import ScanError
from scan.log import Log


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """The error as ``except`` gets it."""
    try:
        raise error from cause
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    "line",
    [
        'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
        "ERROR java.lang.OutOfMemoryError: GC overhead limit exceeded",
        "Caused by: java.lang.OutOfMemoryError: Java heap space",
        "java.util.concurrent.ExecutionException: java.lang.OutOfMemoryError: Metaspace",
        "Terminating due to java.lang.OutOfMemoryError: Java heap space",
        "# There is insufficient memory for the Java Runtime Environment to continue.",
        "ERROR FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "ERROR The analysis will stop due to the Node.js process running out of memory (heap size "
        "limit 4144 MB)",
        "Error [ERR_WORKER_OUT_OF_MEMORY]: Worker terminated due to reaching memory limit",
        "MemoryError",
        "numpy.core._exceptions.MemoryError: Unable to allocate 1. GiB",
        "OSError: [Errno 12] Cannot allocate memory",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "fatal error: runtime: out of memory",
        "memory allocation of 1073741824 bytes failed",
        "Fatal error: exception Out_of_memory",
    ],
)
def test_out_of_memory_messages_are_recognised(line):
    malformed = exhausted.by_words(["INFO Scanning", line, "INFO Total time: 3 s"])

    assert malformed
    assert malformed.code == "OutOfMemory"
    words = line.removeprefix("ERROR ").removeprefix("# ").rstrip(".")
    assert malformed.message == f"The scan ran out of memory: {words}."
    assert "computeType" in malformed.remediation


@pytest.mark.parametrize(
    "line",
    [
        "OSError: [Errno 28] No space left on device: '/work/result.sarif'",
        "OSError: [Errno 122] Disk quota exceeded",
        "ERROR java.io.IOException: No space left on device",
        "Error: ENOSPC: no space left on device, write",
        "write /tmp/x: no space left on device",
    ],
)
def test_disk_full_messages_are_recognised(line):
    malformed = exhausted.by_words(["INFO Scanning", line])

    assert malformed
    assert malformed.code == "DiskFull"
    assert malformed.message == f"The scan ran out of disk space: {line.removeprefix('ERROR ')}."
    assert "computeType" in malformed.remediation


@pytest.mark.parametrize(
    "line",
    [
        "Scanning docs/OutOfMemoryError.md",
        "java.lang.OutOfMemoryError.txt",
        "   12 | raise MemoryError()",
        "MemoryErrorHandler.py",
        "WARN Unable to parse MemoryError: x",
        "shop.py: MemoryError: x",
        "ERROR Cannot read No space left on device",
        "ERROR Cannot read: No space left on device.py",
        'message="JavaScript heap out of memory"',
    ],
)
def test_quoted_code_and_names_are_no_such_messages(line):
    assert exhausted.by_words([line]) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (raised(MemoryError()), "OutOfMemory"),
        (raised(OSError(errno.ENOMEM, "Cannot allocate memory")), "OutOfMemory"),
        (raised(OSError(errno.ENOSPC, "No space left on device")), "DiskFull"),
        (raised(OSError(errno.EDQUOT, "Disk quota exceeded")), "DiskFull"),
        (raised(ValueError("no SARIF"), MemoryError()), "OutOfMemory"),
        (raised(OSError(errno.EACCES, "Permission denied")), None),
        (raised(ValueError("MemoryError")), None),
    ],
    ids=["memory", "fork", "disk", "quota", "what led to it", "another", "words"],
)
def test_an_error_of_our_own_process_says_what_was_too_small(error, code):
    malformed = exhausted.by_error(error)

    assert (malformed.code if malformed else None) == code


@pytest.mark.parametrize(("free", "code"), [(0, "DiskFull"), (100_000, "DiskFull"), (2**30, None)])
def test_a_disk_without_free_space_is_full(tmp_path, monkeypatch, free, code):
    class Usage:
        def __init__(self, folder: Path) -> None:
            self.free = free if folder == tmp_path else 2**40

    monkeypatch.setattr(exhausted.shutil, "disk_usage", Usage)
    malformed = exhausted.by_disk(tmp_path)

    assert (malformed.code if malformed else None) == code


@pytest.mark.parametrize(
    ("groups", "file", "text"),
    [
        ("0::/a/b\n", "a/b/memory.events", "low 0\noom 4\noom_kill 3\n"),
        ("0::/../b\n", "memory.events", "oom_kill 3\noom_group_kill 0\n"),
        ("4:cpu,memory:/a\n0::/\n", "memory/a/memory.oom_control", "under_oom 0\noom_kill 3\n"),
        ("4:memory:/docker/a\n0::/\n", "memory/memory.oom_control", "oom_kill 3\n"),
        (None, "memory.events", "oom_kill 3\n"),
    ],
    ids=["version 2", "version 2 in a container", "version 1", "1 in a container", "no /proc"],
)
def test_the_oom_kills_of_the_kernel_are_counted(tmp_path, groups, file, text):
    if groups:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(groups)
    counter = tmp_path / "sys/fs/cgroup" / file
    counter.parent.mkdir(parents=True)
    counter.write_text(text)

    assert exhausted.kernel_kills(tmp_path) == 3


@pytest.mark.parametrize("text", [None, "", "oom_kill", "oom_kill many\n", "oom 1\n"])
def test_without_a_counter_of_the_kernel_nothing_was_killed(tmp_path, text):
    if text is not None:
        (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
        (tmp_path / "sys/fs/cgroup/memory.events").write_text(text)

    assert exhausted.kernel_kills(tmp_path) == 0


def test_this_machine_has_a_counter():
    assert exhausted.kernel_kills() >= 0


def test_a_log_on_a_full_disk_is_still_printed(capsys):
    with Log(Path("/dev/full")) as log:
        log.write("one")
        log.write("two")

    assert capsys.readouterr().out == "one\ntwo\n"
    malformed = exhausted.by_error(log.full or ValueError())
    assert isinstance(malformed, ScanError)
    assert malformed.code == "DiskFull"


def test_a_log_that_cannot_be_written_for_another_reason_is_an_error(tmp_path):
    with Log(tmp_path / "log") as log:
        log._file.close()
        with pytest.raises(ValueError, match="closed file"):
            log.write("one")
