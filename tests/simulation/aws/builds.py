"""CodeBuild, and the scan in a build: it takes minutes, and writes a log and a report.

- The same idempotency token within five minutes returns the same build
  (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html).
- Step Functions learns of a build's end by an event, and returns the build in PascalCase; a build
  that failed is States.TaskFailed with the build in its Cause
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.simulation.aws import findings, reports
from tests.simulation.aws.scheduler import Future, Scheduler
from tests.simulation.trace import BuildEnded, BuildStarted, Event, timestamp

TOKEN_SECONDS = 300
PROJECT = "scan-5d6e7f8"


@dataclass(frozen=True, kw_only=True)
class Scan:
    """How one scan goes: what its gate says, how long it takes, and how its build ends.

    ``end`` is ``as it should``; ``crashes``: without a report; ``late report``: the report arrives
    ``late`` seconds after the build's end, as when a connection hangs; ``event lost``: Step
    Functions does not receive the event about the build's end.

    With ``findings`` (words of ``findings``), the gate follows from these, from ``limit``,
    ``covered`` and ``rating`` (``findings.gate``), and findings.json is written; ``whole`` is
    whether it has fingerprints.
    """

    gate: str
    seconds: float = 60.0
    end: str = "as it should"
    late: float = 0.0
    findings: Sequence[str] | None = None
    limit: int = 0
    covered: int = 0
    rating: int = 1
    whole: bool = True


@dataclass
class Build:
    """``ended`` is set to the whole build once Step Functions is notified of its end."""

    document: dict[str, Any]
    token: str
    started: float
    ended: Future = field(default_factory=Future)


class Builds:
    """``plan(scan)`` says how the scan of that id goes; ``s3`` is the build's own client."""

    def __init__(
        self,
        scheduler: Scheduler,
        events: list[Event],
        s3: Any,
        artifacts: str,
        plan: Callable[[str], Scan],
    ) -> None:
        self._scheduler, self._events, self._s3 = scheduler, events, s3
        self._artifacts, self._plan = artifacts, plan
        self._builds: list[Build] = []

    def start(self, parameters: dict[str, Any]) -> Build:
        """Start a build, or return the one with the same idempotency token."""
        now, token = self._scheduler.now, parameters["IdempotencyToken"]
        for build in self._builds:
            if build.token == token and now - build.started <= TOKEN_SECONDS:
                return build
        variables = {
            item["Name"]: item["Value"] for item in parameters["EnvironmentVariablesOverride"]
        }
        build = Build(_document(f"{self._scheduler.random.getrandbits(48):012x}"), token, now)
        self._builds.append(build)
        self._events.append(
            BuildStarted(at=now, scan=variables["SCAN"], build=build.document["Id"])
        )
        self._scheduler.spawn("build", lambda: self._run(build, variables))
        return build

    def _run(self, build: Build, variables: dict[str, str]) -> None:
        plan = self._plan(variables["SCAN"])
        draw = self._scheduler.random.random
        self._scheduler.sleep(1 + 10 * draw())
        delay = plan.late if plan.end == "late report" else 0.0
        scan = self._scheduler.spawn(
            "scan", lambda: self._scan(plan, variables, delay), handled=(BotoCoreError, ClientError)
        )
        self._scheduler.wait(scan.ended, None if not delay else plan.seconds)
        kind, error_free = scan.ended.value or ("late", False)
        status = "SUCCEEDED" if kind == "done" and error_free else "FAILED"
        build.document["BuildStatus"] = status
        if status == "FAILED":
            build.document["Phases"] = [
                {"PhaseType": "BUILD", "PhaseStatus": "FAILED", "DurationInSeconds": 10}
            ]
        self._events.append(
            BuildEnded(at=self._scheduler.now, scan=variables["SCAN"], status=status)
        )
        self._scheduler.sleep(0.5 + 2 * draw())
        if plan.end != "event lost":
            build.ended.set(build.document)

    def _scan(self, plan: Scan, variables: dict[str, str], delay: float) -> bool:
        """Write what ``python -m scan`` does; return whether there is a gate.

        Without ``findings`` in its plan it writes no findings.json, as before version 2.1.
        """
        began, scan = timestamp(self._scheduler.now), variables["SCAN"]
        gate = plan.gate
        try:
            self._s3.get_object(
                Bucket=variables["UPLOAD_BUCKET"],
                Key=variables["UPLOAD_KEY"],
                VersionId=variables["UPLOAD_VERSION"],
            )
        except ClientError:
            gate = "error"
        self._scheduler.sleep(plan.seconds)
        if plan.end == "crashes":
            return False
        log = f"Fetched {variables['UPLOAD_KEY']}\nGate {gate}\n".encode()
        self._scheduler.sleep(delay)
        stored = self._keep(f"scans/{scan}/scanner.log", log)
        evidence = {"scanner.log": hashlib.sha256(log).hexdigest()}
        words = plan.findings if gate != "error" else None
        if words is not None:
            listed = findings.document(variables, words, plan.whole)
            stored = self._keep(f"scans/{scan}/findings.json", listed) and stored
            evidence["findings.json"] = hashlib.sha256(listed).hexdigest()
        body = reports.report(gate, variables, began, timestamp(self._scheduler.now), evidence)
        if words is not None:
            body = reports.with_findings(body, plan)
        return self._keep(f"scans/{scan}/report.json", body) and stored and gate != "error"

    def _keep(self, key: str, body: bytes) -> bool:
        try:
            self._s3.put_object(
                Bucket=self._artifacts,
                Key=key,
                Body=body,
                ContentType="text/plain",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return self._s3.get_object(Bucket=self._artifacts, Key=key)["Body"].read() == body
        return True


def cause(build: dict[str, Any]) -> str:
    """The Cause of the failure of a build's task."""
    return json.dumps({"Build": build})


def _document(number: str) -> dict[str, Any]:
    arn = f"arn:aws:codebuild:eu-central-1:123456789012:build/{PROJECT}"
    return {
        "Id": f"{PROJECT}:{number}",
        "Arn": f"{arn}:{number}",
        "BuildStatus": "IN_PROGRESS",
        "ProjectName": PROJECT,
        "Logs": {"GroupName": f"/aws/codebuild/{PROJECT}", "StreamName": number},
    }
