"""Analyses an upload with SonarSource's scanner and reads the result from SonarQube's API."""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import scan
from scan import packs, trust
from scan.errors import ScanError
from scan.finding import Analysis
from scan.job import Job
from scan.log import Log
from scan.process import died, run
from scan.sonarqube import exclusions, issues, quality_gate, scanner_report, untrusted
from scan.sonarqube.api import Api
from scan.sonarqube.properties import project_key, properties
from scan.sonarqube.seen import note, seen

POLL_SECONDS = 0.5
# The server processes an analysis within seconds; after this time its queue is stuck or full.
TASK_SECONDS = 600
ATTEMPTS = 3


def analyse(job: Job, source: Path, work: Path, log: Log) -> Analysis:
    """Analyse ``source`` with SonarQube, in the new folder ``work``.

    Raises:
        ScanError: see ``ScanError`` for the codes.
    """
    work.mkdir()
    ca = trust.bundle(job.private_ca, work)
    api = Api(job.sonar, log, ca)
    version = api.check()
    followed, ignored = untrusted.settings(source, allow_exclusions=job.allow_exclusions)
    for setting in ignored:
        log.write(f"Not followed: {setting.key} in {setting.file}")
    project = project_key(job)
    known = [language["key"] for language in api.get("api/languages/list")["languages"]]
    server = exclusions.on_server(api, project)
    scanner_properties = properties(job, source=source, work=work, followed=followed, server=server)
    log.write(f"Scanning with SonarQube {version} at {job.sonar.url}")
    for _ in range(ATTEMPTS):
        problems: list[str] = []
        task = _scanned(scanner_properties, ca, work, api, log, partial(note, problems), job.until)
        files = scanner_report.read(work / "scanner" / "scanner-report")
        try:
            analysis_id = _processed(api, task, log, job.until)
            status = api.get("api/qualitygates/project_status", analysisId=analysis_id)
            read = issues.read(api, job.sonar.url, project, source)
            _check_still_newest(api, project, analysis_id)
        except _Overtaken:
            log.write("Another upload of the app was analysed meanwhile; scanning again")
            continue
        return Analysis(
            engine="SonarQube Cloud" if api.is_cloud else "SonarQube",
            version=version,
            seen=seen(
                source,
                files,
                known=known,
                problems=problems,
                rules=exclusions.rules(server, followed),
                unsaid=api.unsaid,
            ),
            lines=sum(file.lines or 0 for file in files.values()),
            counts=read.counts,
            findings=read.findings,
            repeated=read.repeated,
            contents=read.contents,
            hotspots=read.hotspots,
            gate=quality_gate.gate(status["projectStatus"], read.counts, job.limits),
            ignored=ignored,
            weaknesses=issues.weaknesses(api, project) if len(job.scanners) > 1 else {},
            dashboard=f"{job.sonar.url}/dashboard?{urlencode({'id': project})}",
        )
    raise ScanError(
        "Overtaken",
        f"Other uploads of {job.app} were analysed at the same time, {ATTEMPTS} times over.",
        "Upload the zip again.",
    )


class _Overtaken(Exception):
    """The project has a newer analysis, so the API's results are not those of this scan."""


def _scanned(
    properties: dict[str, str],
    ca: Path | None,
    work: Path,
    api: Api,
    log: Log,
    on_line: Callable[[str], None],
    until: float,
) -> str:
    """Run the scanner; returns the id of the server's task."""
    order = {
        "properties": properties,
        "cache": str(Path.home() / ".sonar" / "cache"),
        "private": str(work),
        "ca": str(ca) if ca else None,
    }
    own = Path(scan.__file__).parent.parent
    extra = {**packs.environment("sonarqube", own), **trust.variables(ca)}
    task = work / "report-task.txt"
    task.unlink(missing_ok=True)
    code, tail = run(
        [sys.executable, "-m", "scan.sonarqube.scanner"],
        folder=work,
        log=log,
        extra=extra,
        standard_input=json.dumps(order),
        on_line=on_line,
        until=until,
    )
    if code or not task.is_file():
        # If the server is the cause, this raises a clearer error than the scanner's output has.
        api.check()
        raise died("SonarQube's scanner", code, tail)
    task_fields = dict(line.split("=", 1) for line in task.read_text().splitlines() if "=" in line)
    return task_fields["ceTaskId"]


def _processed(api: Api, task_id: str, log: Log, latest: float) -> str:
    """Wait until the server has processed the task; returns the id of the analysis.

    The scanner's own option to wait polls every 5 s, and does not distinguish a failed gate from an
    error.
    """
    log.write("Waiting for SonarQube to process the analysis")
    until = min(time.monotonic() + TASK_SECONDS, latest)
    while time.monotonic() < until:
        task = api.get("api/ce/task", id=task_id)["task"]
        if task["status"] == "SUCCESS":
            return task["analysisId"]
        if task["status"] in {"FAILED", "CANCELED"}:
            why = task.get("errorMessage", task["status"])
            if "older than the date of the last known analysis" in why:
                raise _Overtaken
            raise ScanError(
                "ProcessingFailed",
                f"SonarQube could not process the analysis: {why}",
                "Look at the project's background tasks in SonarQube.",
            )
        time.sleep(POLL_SECONDS)
    raise ScanError(
        "ServerSlow",
        "SonarQube did not process the analysis in time.",
        "Look at the background tasks in SonarQube; then upload the zip again.",
    )


def _check_still_newest(api: Api, project: str, analysis_id: str) -> None:
    """Raise ``_Overtaken`` if the API's issues and measures are those of a newer analysis."""
    newest = api.may_get("api/ce/component", "which analysis is the newest", component=project)
    if newest and newest.get("current", {}).get("analysisId", analysis_id) != analysis_id:
        raise _Overtaken
