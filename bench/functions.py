"""Each Lambda function against a baseline that only makes the same AWS calls.

Both run as packaged, in processes of their own, in the account on this machine. The calls of a
function are recorded once; ``baseline.py`` repeats them with only the clients that they need.
"""

import base64
import copy
import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction

from bench.account import LOG_GROUP, LOG_STREAM, NEVER, QuietAccount, Upload
from bench.comparison import Comparison, Table, alternate
from local.account import REGION

BASELINE = Path(__file__).parent / "baseline.py"
LIMIT = 1.2
# People wait for these; each round adds the latency of an AWS call. The last one of a failed gate
# records it as the app's last result, with which the next one is compared.
MOST_ROUNDS = {"check_build_status": 5, "approval": 4}


def gate_failed(upload: Upload) -> Any:
    upload.put_evidence("scan")
    upload.put_evidence("report", upload.recorded("report-failed"))
    return upload.recorded("failed")


def no_report(upload: Upload) -> Any:
    """The build left no report: the end of its log is on the card."""
    upload.put_evidence("scan")
    event = upload.recorded("no-report")
    event["build"]["Logs"] = {"GroupName": LOG_GROUP, "StreamName": LOG_STREAM}
    return event


def approve(upload: Upload) -> Any:
    upload.put_evidence("scan")
    upload.request_decision()
    return {"scan": upload.scan, "approve": ["Hotfix for the outage", "14"]}


def approved(upload: Upload) -> Any:
    """Results in one email and one card."""
    upload.put_evidence("scan")
    upload.put_evidence("report", upload.recorded("report-failed"))
    decision = upload.recorded("decision-approved")
    upload.put_evidence("decision", {**decision, "expiresAt": NEVER})
    return {"scan": upload.scan, "event": "approved", "expiresAt": NEVER}


def wait_begins(upload: Upload) -> Any:
    return {
        "scan": upload.recorded("scan"),
        "kind": "decision",
        "token": "token",
        "sha256": "d" * 64,
        "expiresAt": NEVER,
        "redrive": 0,
        "enteredAt": "2026-11-24T10:00:00.000Z",
        "retry": 0,
    }


def newer_upload(upload: Upload) -> Any:
    """A version of its key awaits a decision while another is uploaded."""
    upload.request_decision()
    upload.upload_again()
    scan = upload.recorded("scan")
    stored = {"key": scan["key"], "version-id": scan["versionId"]}
    stored |= {"etag": scan["etag"], "size": scan["size"]}
    detail = {"bucket": {"name": scan["bucket"]}, "object": stored}
    event = {"time": scan["uploadedAt"], "detail": {**detail, "requester": scan["requester"]}}
    return {"event": event, "execution": scan["execution"], "retry": 0}


def uploaded(upload: Upload) -> Any:
    """S3's own notification of an upload."""
    return upload.recorded("s3-notification")


def scan_again(upload: Upload) -> Any:
    """Its scan failed to run, and the execution has ended."""
    scan = upload.recorded("scan")
    upload.put_evidence("scan", {**scan, "execution": upload.account.ended_execution})
    upload.put_evidence("gate-result", {"status": "error"})
    return {"scan": upload.scan}


def one_click(upload: Upload) -> Any:
    """An approval in the chat service's log, as CloudWatch Logs delivers it."""
    upload.put_evidence("scan")
    payload = json.dumps({"scan": upload.scan, "approve": ["Hotfix for the outage", "14"]})
    function = upload.account.deployed_functions()["approval"].function_name
    command = f"lambda invoke --function-name {function} --region {REGION} --payload {payload}"
    message = json.dumps({"userId": "U0ADA0000", "userName": "Ada", "command": command})
    batch = {
        "messageType": "DATA_MESSAGE",
        "logEvents": [{"id": "38420", "timestamp": 1_795_514_525_000, "message": message}],
    }
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    return {"awslogs": {"data": data}}


@dataclass(frozen=True)
class Case:
    """A situation of a function; ``prepare`` writes an upload's evidence and returns the event."""

    module: str
    situation: str
    prepare: Callable[[Upload], Any]

    @property
    def name(self) -> str:
        """For example "`approval`, approve"."""
        return f"`{self.module}`, {self.situation}"


CASES = (
    Case("check_build_status", "gate failed", gate_failed),
    Case("check_build_status", "no report", no_report),
    Case("approval", "approve", approve),
    Case("notify", "approved", approved),
    Case("callback", "a wait begins", wait_begins),
    Case("open_scan", "a newer upload", newer_upload),
    Case("uploader", "an upload", uploaded),
    Case("rescan", "a scan that failed to run", scan_again),
    Case("approver_audit", "one click", one_click),
)


@dataclass(frozen=True)
class Function:
    """A function in the account; ``event`` returns a new event for it."""

    account: QuietAccount
    deployed: LambdaFunction
    event: Callable[[], Any]

    def call(self) -> Any:
        """Its response to a new event.

        Raises:
            RuntimeError: the function failed.
        """
        return self._invoke(json.dumps(self.event()))

    def warm(self) -> float:
        """Seconds from an event to the response, of a process that is already running."""
        payload = json.dumps(self.event())
        began = time.perf_counter()
        self._invoke(payload)
        return time.perf_counter() - began

    def cold(self) -> float:
        """Seconds from the start of a process to its first response."""
        self.account.functions.stop()
        return self.warm()

    def _invoke(self, payload: str) -> Any:
        answer, failed, _ = self.account.functions.invoke(self.deployed, payload)
        if failed:
            raise RuntimeError(answer)
        return json.loads(answer)


class Measurement:
    """Ours and the baseline in one case; ``calls`` is what ``baseline.record`` returns of ours."""

    def __init__(self, account: QuietAccount, case: Case) -> None:
        self.case = case
        deployed = account.deployed_functions()[case.module]
        first = Upload(account)
        environment = {**deployed.environment_vars, "RECORDED": case.module}
        recorder = with_entry_point(deployed, "baseline.record", environment)
        self.calls = Function(account, recorder, lambda: case.prepare(first)).call()
        if not self.calls:
            raise RuntimeError(f"{case.name}: it does nothing about this event")
        names, recorded = first.names, json.dumps(self.calls)

        def calls() -> Any:
            another = Upload(account)
            case.prepare(another)
            text = recorded
            for old, new in zip(names, another.names, strict=True):
                text = text.replace(old, new)
            return json.loads(text)

        services = list(dict.fromkeys(call["service"] for call in self.calls))
        repeater = with_entry_point(deployed, "baseline.repeat", {"CLIENTS": json.dumps(services)})
        self.ours = Function(account, deployed, lambda: case.prepare(Upload(account)))
        self.baseline = Function(account, repeater, calls)

    def cold(self, times: int) -> Comparison:
        """Cold starts of both, alternately."""
        ours, baseline = alternate(times, self.ours.cold, self.baseline.cold)
        return Comparison(self.case.name, ours, baseline, LIMIT)

    def warm(self, times: int) -> Comparison:
        """Invocations of one warm process of each, alternately."""
        alternate(1, self.ours.warm, self.baseline.warm)
        ours, baseline = alternate(times, self.ours.warm, self.baseline.warm)
        return Comparison(self.case.name, ours, baseline, LIMIT)


def tables(quick: bool) -> Iterator[Table]:
    """Cold starts, warm answers, and rounds of calls."""
    cold = Table("A function's cold start, from a new process to its first answer")
    warm = Table("A warm function, from an event to its answer")
    calls = Table("Calls of a function, and rounds of calls", ["", "calls", "rounds", "limit"])
    with QuietAccount({"recordApprover": "true"}) as account:
        for case in CASES:
            measurement = Measurement(account, case)
            cold.compare(measurement.cold(1 if quick else 25))
            warm.compare(measurement.warm(1 if quick else 40))
            number, limit = rounds(measurement.calls), MOST_ROUNDS.get(case.module)
            calls.add(
                case.name,
                str(len(measurement.calls)),
                str(number),
                str(limit or ""),
                exceeded=limit is not None and number > limit,
            )
        package = len(account.deployed_functions()["approval"].code_bytes)
    cold.notes.append(f"The package that all functions share: {package / 1024:.0f} KB.")
    calls.notes.append("Calls that are made at the same time are one round.")
    yield from (cold, warm, calls)


def rounds(calls: Sequence[dict[str, Any]]) -> int:
    """The longest chain of calls of which each began after the one before it had ended."""
    number, ended = 0, float("-inf")
    for call in sorted(calls, key=itemgetter("ended")):
        if call["began"] >= ended:
            number, ended = number + 1, call["ended"]
    return number


def with_entry_point(
    deployed: LambdaFunction, handler: str, environment: dict[str, str]
) -> LambdaFunction:
    """The function with another handler and environment; ``baseline.py`` is in its package."""
    package = io.BytesIO(deployed.code_bytes)
    with zipfile.ZipFile(package, "a") as archive:
        archive.write(BASELINE, BASELINE.name)
    changed = copy.copy(deployed)
    changed.handler, changed.environment_vars = handler, environment
    changed.code_bytes, changed.code_sha_256 = package.getvalue(), BASELINE.name
    return changed
