"""Each Lambda function against the bare AWS calls that it makes.

Both run as packaged, without compiled files, under ``local/lambda_runtime.py`` in processes of
their own; AWS is moto's server in another. What a function calls is recorded once, and done again
by ``bare.py`` with the clients that those calls need.
"""

import base64
import compileall
import importlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import copy
from typing import Any, Self

from bench.account import GROUP, STREAM, Account, Upload, audited
from bench.pairs import Pair, Section, in_turns, seconds
from components.handler_function import packaged_handlers
from ops.program import record_program
from tests.support.recording import told

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "local" / "lambda_runtime.py"
COLD, WARM = 1.15, 1.2
# Lambda's runtime has them compiled; where Python writes no cache, here nobody would.
RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3")
# What a function does by itself may not depend on the length of the log; noise is.
GROWTH, NOISE_SECONDS = 1.5, 0.005
PARTS = ("", "Python starts", "`import boto3`", "its clients", "our modules", "first answer")
OURS = {"PYTHONPATH": str(ROOT)}
LOG_LINES = (100, 10_000, 100_000)


def failed(upload: Upload) -> Any:
    """Its gate failed."""
    upload.leave("scan", upload.recorded("scan"))
    upload.leave("report", upload.recorded("report-failed"))
    return upload.recorded("failed")


def no_report(upload: Upload) -> Any:
    """Broken off without a report: the end of the log is on the card."""
    upload.leave("scan", upload.recorded("scan"))
    event = upload.recorded("no-report")
    event["build"]["Logs"] = {"GroupName": GROUP, "StreamName": STREAM}
    return event


def approve(upload: Upload) -> Any:
    """It waits, and somebody presses Approve."""
    upload.leave("scan", upload.recorded("scan"))
    upload.wait()
    return {"scan": upload.scan, "approve": ["Hotfix for the outage", "14"]}


def notify(upload: Upload) -> Any:
    """It was approved: one mail and one card."""
    upload.leave("scan", upload.recorded("scan"))
    upload.leave("report", upload.recorded("report-failed"))
    # What is over is not told.
    decision = {**upload.recorded("decision-approved"), "expiresAt": "2999-01-01T00:00:00Z"}
    upload.leave("decision", decision)
    return {"scan": upload.scan, "event": "approved", "expiresAt": "2026-11-27T10:00:00Z"}


def waits(upload: Upload) -> Any:
    """The state machine begins to wait for a decision."""
    return {
        "scan": upload.recorded("scan"),
        "kind": "decision",
        "token": "token",
        "sha256": "d" * 64,
        "expiresAt": "2999-01-01T00:00:00Z",
        "enteredAt": "2026-11-24T10:00:00.000Z",
        "retry": 0,
    }


def replaced(upload: Upload) -> Any:
    """It waits while another version of its key is uploaded."""
    upload.wait()
    upload.again()
    scan = upload.recorded("scan")
    stored = {"key": scan["key"], "version-id": scan["versionId"]}
    stored |= {"etag": scan["etag"], "size": scan["size"]}
    detail = {"bucket": {"name": scan["bucket"]}, "object": stored}
    event = {"time": scan["uploadedAt"], "detail": {**detail, "requester": scan["uploadedBy"]}}
    return {"event": event, "execution": scan["execution"], "retry": 0}


def over(upload: Upload) -> Any:
    """Its scan is broken and over, and somebody presses Scan again."""
    upload.leave("scan", {**upload.recorded("scan"), "execution": upload.ended_execution})
    upload.leave("gate-result", {"status": "error"})
    return {"scan": upload.scan}


def pressed(upload: Upload) -> Any:
    """Somebody pressed Approve, says the chat service's log."""
    upload.leave("scan", upload.recorded("scan"))
    return audited(upload.scan)


@dataclass(frozen=True)
class Case:
    """What a function is asked; ``prepare`` leaves evidence of an upload, returns the event."""

    module: str
    what: str
    prepare: Callable[[Upload], Any]

    @property
    def name(self) -> str:
        """As in ``approval, approve``."""
        return f"`{self.module}`, {self.what}"


CASES = (
    Case("check_build_status", "gate failed", failed),
    Case("check_build_status", "no report", no_report),
    Case("approval", "approve", approve),
    Case("notify", "approved", notify),
    Case("callback", "a wait begins", waits),
    Case("open_scan", "a newer upload", replaced),
    Case("rescan", "of a broken scan", over),
    Case("who", "one press", pressed),
)


class Function:
    """A function in a process of its own."""

    def __init__(self, handler: str, root: Path, account: Account, **more: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", RUNTIME, handler],
            env={
                "PATH": os.environ["PATH"],
                "LAMBDA_TASK_ROOT": str(root),
                "AWS_LAMBDA_FUNCTION_NAME": "bench",
                "AWS_LAMBDA_LOG_FORMAT": "JSON",
                **account.environment,
                **more,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, event: Any) -> Any:
        """What the function returns; an error is raised."""
        assert self._process.stdin
        assert self._process.stdout
        request = json.dumps({"event": event, "deadline": time.time() + 60})
        self._process.stdin.write(base64.b64encode(request.encode()).decode() + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"]["errorMessage"])
        return answer["result"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:
            pass


@dataclass(frozen=True)
class Side:
    """One of the two ways: how its function is started, and an event about another upload."""

    start: Callable[[], Function]
    event: Callable[[], Any]

    def cold(self) -> float:
        """Seconds from the start of a process to its first answer."""
        event = self.event()
        began = time.perf_counter()
        with self.start() as function:
            function.ask(event)
            return time.perf_counter() - began

    def warm(self, function: Function) -> float:
        """Seconds from an event to the answer of a process that has answered before."""
        event = self.event()
        began = time.perf_counter()
        function.ask(event)
        return time.perf_counter() - began


class Contest:
    """One case as it is, and bare; evidence is left before the clock runs."""

    def __init__(self, account: Account, case: Case, package: Path) -> None:
        self.case = case
        upload = account.upload()
        event = case.prepare(upload)
        environment = environments()[case.module]
        recorder = {**environment, **OURS, "RECORDED": case.module}
        with Function("bench.recorder.handler", package, account, **recorder) as function:
            recorded = function.ask(event)
        self.calls, names = json.dumps(recorded), upload.names
        clients = json.dumps(list(dict.fromkeys(service for service, _, _ in recorded)))

        def calls() -> Any:
            again = account.upload()
            case.prepare(again)
            text = self.calls
            for old, new in zip(names, again.names, strict=True):
                text = text.replace(old, new)
            return json.loads(text)

        self.ours = Side(
            lambda: Function(f"handlers.{case.module}.handler", package, account, **environment),
            lambda: case.prepare(account.upload()),
        )
        self.staged = Side(
            lambda: Function(
                "bench.stages.handler", package, account, **environment, **OURS, STAGED=case.module
            ),
            self.ours.event,
        )
        self.bare = Side(lambda: Function("bare.handler", package, account, CLIENTS=clients), calls)

    def cold(self, pairs: int) -> Pair:
        """Cold starts of both, in turns."""
        ours, bare = in_turns(pairs, self.ours.cold, self.bare.cold)
        return Pair(self.case.name, ours, bare, COLD)

    def stages(self, times: int) -> list[str]:
        """The case's name, and the median seconds of each part of its cold start."""
        found: list[dict[str, float]] = []
        for _ in range(times):
            event, began = self.staged.event(), time.perf_counter()
            with self.staged.start() as function:
                parts = function.ask(event)
            whole = time.perf_counter() - began
            found.append({"start": whole - sum(parts.values()), **parts})
        return [
            self.case.name,
            *(seconds(statistics.median(each[part] for each in found)) for part in found[0]),
        ]

    def warm(self, pairs: int, name: str = "") -> Pair:
        """Answers of one warm process of each, in turns; ``name`` is the case's unless given."""
        with self.ours.start() as function, self.bare.start() as calls:
            self.ours.warm(function)
            self.bare.warm(calls)
            ours, bare = in_turns(
                pairs, lambda: self.ours.warm(function), lambda: self.bare.warm(calls)
            )
        return Pair(name or self.case.name, ours, bare, WARM)


def sections(account: Account, cold: int, warm: int, log_lines: Sequence[int]) -> Iterator[Section]:
    """The tables, with so many pairs each."""
    with packaged() as (package, size):
        first = Section("A function's cold start, from a new process to its first answer")
        parts = Section("Where a cold start's time goes", PARTS)
        second = Section("A warm function, from an event to its answer")
        for case in CASES:
            contest = Contest(account, case, package)
            first.add(contest.cold(cold))
            parts.rows.append(contest.stages(cold))
            second.add(contest.warm(warm))
        first.notes.append(f"The package that all functions share: {size / 1024:.0f} KB.")
        parts.notes.append(
            "boto3 and its clients are what the bare function pays, too. There is no TLS here: on "
            "AWS each client also reads the authorities' certificates and shakes hands."
        )
        yield first
        yield parts
        yield second
        yield long_logs(account, package, warm, log_lines)


def long_logs(account: Account, package: Path, pairs: int, log_lines: Sequence[int]) -> Section:
    """CheckBuildStatus at the end of logs of different lengths: what it calls and takes itself."""
    section = Section("CheckBuildStatus at the end of a long log")
    calls: list[list[str]] = []
    itself: list[float] = []
    for lines in log_lines:
        account.build_log(lines)
        contest = Contest(account, Case("check_build_status", "no report", no_report), package)
        pair = contest.warm(pairs, f"{lines:,} lines")
        section.add(pair)
        calls.append([method for _, method, _ in json.loads(contest.calls)])
        beside = statistics.median(o - b for o, b in zip(pair.ours, pair.bare, strict=True))
        itself.append(max(beside, 0))
    shown = ", ".join(map(seconds, itself))
    section.notes.append(
        f"It makes the same {len(calls[0])} calls at each length, and takes {shown} beside them; "
        "the calls take longer because moto sorts the whole log for each."
    )
    section.wrong += growing(calls, itself)
    return section


def growing(calls: Sequence[Sequence[str]], itself: Sequence[float]) -> Iterator[str]:
    """What grows with the log: calls, or the seconds beside them; the shortest log comes first."""
    if any(len(each) > len(calls[0]) for each in calls):
        yield "the number of calls grows with the log"
    if max(itself) > GROWTH * itself[0] + NOISE_SECONDS:
        yield f"what it takes itself grows with the log: {', '.join(map(seconds, itself))}"


@cache
def environments() -> dict[str, dict[str, str]]:
    """What the program tells each function, by module."""
    functions = [
        each.inputs for each in record_program("dev", told("dev", recordApprover=True)).aws
    ]
    return {
        each["handler"].split(".")[1]: each["environment"]["variables"]
        for each in functions
        if "handler" in each
    }


@contextmanager
def packaged() -> Iterator[tuple[Path, int]]:
    """The functions' package, unpacked, with ``bare.py`` beside it; and its size as a zip."""
    for name in RUNTIME_HAS:
        [folder] = importlib.import_module(name).__path__
        compileall.compile_dir(folder, quiet=1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        files: dict[str, Any] = packaged_handlers().assets
        for name, asset in files.items():
            archive.write(asset.path, name)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        zipfile.ZipFile(packed).extractall(folder)
        copy(Path(__file__).parent / "bare.py", folder)
        yield Path(folder), len(packed.getbuffer())
