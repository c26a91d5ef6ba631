"""CodeBuild without Docker: the project's buildspec runs for real, in a shell of this machine."""

import collections
import hashlib
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

import yaml

from local.logs import LogStream
from local.permissions import services
from local.permissions.guard import Guard

# The supported keys of a buildspec; others are refused, since they would be silently ignored.
KNOWN = {"version", "phases", "cache"}
PHASES = ("install", "pre_build", "build", "post_build")
# In place of CodeBuild's cache: a home folder that all builds share, also of later runs.
HOME = Path.home() / ".cache" / "chatops-slack" / "build-home"


class AccountLimitExceeded(Exception):
    """All build slots are taken."""


class Builds:
    """Runs builds in their own processes, at most ``slots`` at a time.

    A build is a dict with the fields and PascalCase of Step Functions' CodeBuild integration.
    """

    def __init__(self, clients: Any, endpoint: str, guard: Guard, slots: int = 20) -> None:
        self._clients, self._endpoint, self.slots = clients, endpoint, slots
        self._guard = guard
        self.minute = 60.0  # seconds per minute of the project's timeout
        self.buildspec: str | None = None  # overrides the project's
        self._builds: dict[str, dict[str, Any]] = {}
        self._by_token: dict[str, str] = {}
        self._ended: dict[str, threading.Event] = {}
        self._scans: dict[str, list[str]] = collections.defaultdict(list)
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._sources: dict[str, Path] = {}
        self._stopped = False
        self._lock = threading.Lock()

    def __contains__(self, build_id: str) -> bool:
        return build_id in self._builds

    def start(
        self, project_name: str, overrides: list[dict[str, str]], token: str
    ) -> dict[str, Any]:
        """Start a build and return it; the same idempotency ``token`` returns the same build.

        Raises:
            AccountLimitExceeded: the account's concurrent builds are used up.
            ConnectionError: the account was left.
        """
        project = self.project(project_name)
        with self._lock:
            if self._stopped:
                raise ConnectionError("the local account was left")
            if token in self._by_token:
                return self._builds[self._by_token[token]]
            running = sum(not event.is_set() for event in self._ended.values())
            if running >= self.slots:
                raise AccountLimitExceeded(
                    f"Cannot have more than {self.slots} builds in queue for the account"
                )
            build = self._new_build(project, number=len(self._builds) + 1)
            self._builds[build["Id"]] = build
            self._by_token[token] = build["Id"]
            scan = next(
                (override["Value"] for override in overrides if override["Name"] == "SCAN"), ""
            )
            self._scans[scan].append(build["Id"])
            self._ended[build["Id"]] = threading.Event()
        threading.Thread(target=self._run, args=[build, project, overrides], daemon=True).start()
        return build

    def ended(self, build_id: str, within: float) -> dict[str, Any] | None:
        """The build if it ends within so many seconds, else None; one that was stopped does not."""
        ended = self._ended[build_id].wait(within) and not self._stopped
        return self._builds[build_id] if ended else None

    def describe(self, build_id: str) -> dict[str, Any]:
        """The build as BatchGetBuilds returns it (camelCase)."""
        return _camel_case(self._builds[build_id])

    @property
    def scans(self) -> list[str]:
        """The scans that have builds."""
        return list(self._scans)

    def all_of(self, scan: str) -> list[dict[str, Any]]:
        """The builds of a scan, oldest first."""
        return [self._builds[build_id] for build_id in self._scans.get(scan, [])]

    def stop(self) -> None:
        """Kill the running builds, and wait until they have ended."""
        with self._lock:
            self._stopped = True
        for ended in list(self._ended.values()):
            while not ended.wait(0.1):
                for process in list(self._processes.values()):
                    _kill(process)
        for source in self._sources.values():
            shutil.rmtree(source, ignore_errors=True)

    def project(self, name: str) -> dict[str, Any]:
        """A project as BatchGetProjects returns it."""
        return self._clients("codebuild").batch_get_projects(names=[name])["projects"][0]

    def client(self, service: str, project: dict[str, Any]) -> Any:
        """A client with which CodeBuild acts for a project, as its role."""
        signer = self._guard.session(project["serviceRole"], "CodeBuild")
        return self._clients(service, signer=signer)

    def _new_build(self, project: dict[str, Any], number: int) -> dict[str, Any]:
        build_id = f"{project['name']}:{uuid.uuid4()}"
        group = project["logsConfig"]["cloudWatchLogs"]["groupName"]
        region = project["arn"].split(":")[3]
        return {
            "Id": build_id,
            "Arn": project["arn"].replace(":project/", ":build/").rsplit("/", 1)[0]
            + f"/{build_id}",
            "BuildNumber": number,
            "BuildStatus": "IN_PROGRESS",
            "ProjectName": project["name"],
            "Logs": {
                "GroupName": group,
                "StreamName": build_id.split(":")[1],
                "DeepLink": f"https://console.aws.amazon.com/cloudwatch/home?region={region}"
                f"#logsV2:log-groups/log-group/{group}",
            },
            "Phases": [],
        }

    def _run(
        self, build: dict[str, Any], project: dict[str, Any], overrides: list[dict[str, str]]
    ) -> None:
        folder = Path(tempfile.mkdtemp(prefix="chatops-build-"))
        deadline = time.monotonic() + project["timeoutInMinutes"] * self.minute
        status = "FAILED"
        try:
            services.build_starts(self._guard, project)
            logs = self.client("logs", project)
            log = LogStream(logs, build["Logs"]["GroupName"], build["Logs"]["StreamName"])
            for phase in ("SUBMITTED", "QUEUED", "PROVISIONING"):
                _phase(build, phase, "SUCCEEDED", 0)
            source = self._download(build, project, folder)
            environment = self._environment(build, project, overrides, folder) if source else None
            if source and environment:
                spec = yaml.safe_load(self.buildspec or project["source"]["buildspec"])
                status = self._run_phases(build, spec, source, environment, log, deadline)
        except Exception as error:  # otherwise the execution would wait forever
            _phase(build, "BUILD", "FAULT", 0, ("INTERNAL_SERVICE_ERROR", str(error)))
        finally:
            # Not shutil: a killed build may leave folders nested 1,000 deep.
            subprocess.run(["rm", "-rf", folder], check=False)
            _phase(build, "COMPLETED", None, 0)
            build["BuildStatus"] = status
            self._ended[build["Id"]].set()

    def _download(
        self, build: dict[str, Any], project: dict[str, Any], folder: Path
    ) -> Path | None:
        started = time.monotonic()
        bucket, _, key = project["source"]["location"].partition("/")
        version = {"VersionId": project["sourceVersion"]} if project.get("sourceVersion") else {}
        try:
            s3 = self.client("s3", project)
            source = self._unpacked(s3, bucket, key, version)
            shutil.copytree(source, folder / "src", ignore=shutil.ignore_patterns("packs"))
            # They are large, and no build writes into them.
            (folder / "src" / "packs").symlink_to(source / "packs")
        except Exception as error:
            message = f"error while downloading key {key}: {error}"
            elapsed = time.monotonic() - started
            _phase(build, "DOWNLOAD_SOURCE", "FAILED", elapsed, ("CLIENT_ERROR", message))
            return None
        _phase(build, "DOWNLOAD_SOURCE", "SUCCEEDED", time.monotonic() - started)
        return folder / "src"

    def _unpacked(self, s3: Any, bucket: str, key: str, version: dict[str, str]) -> Path:
        """The unpacked source; each version is unpacked once."""
        body = s3.get_object(Bucket=bucket, Key=key, **version)["Body"].read()
        with self._lock:
            sha256 = hashlib.sha256(body).hexdigest()
            if sha256 not in self._sources:
                self._sources[sha256] = Path(tempfile.mkdtemp(prefix="chatops-source-"))
                zipfile.ZipFile(io.BytesIO(body)).extractall(self._sources[sha256])
            return self._sources[sha256]

    def _environment(
        self,
        build: dict[str, Any],
        project: dict[str, Any],
        overrides: list[dict[str, str]],
        folder: Path,
    ) -> dict[str, str] | None:
        HOME.mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir()
        try:
            variables = {
                variable["name"]: self._value(project, variable)
                for variable in project["environment"].get("environmentVariables", [])
            }
        except Exception as error:
            message = f"Secrets Manager error message: {error}"
            build["Phases"].pop()
            _phase(build, "DOWNLOAD_SOURCE", "FAILED", 0, ("CLIENT_ERROR", message))
            return None
        region = project["arn"].split(":")[3]
        return {
            # This process's interpreter, where requirements.txt is installed.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(HOME),
            "TMPDIR": str(folder / "tmp"),
            "CODEBUILD_SRC_DIR": str(folder / "src"),
            "CODEBUILD_BUILD_ID": build["Id"],
            "CODEBUILD_BUILD_ARN": build["Arn"],
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": self._guard.session(project["serviceRole"], "scan"),
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self._endpoint,
            **variables,
            **{override["Name"]: override["Value"] for override in overrides},
        }

    def _value(self, project: dict[str, Any], variable: dict[str, str]) -> str:
        if variable.get("type", "PLAINTEXT") == "PLAINTEXT":
            return variable["value"]
        secrets = self.client("secretsmanager", project)
        secret = secrets.get_secret_value(SecretId=variable["value"])
        return secret["SecretString"]

    def _run_phases(
        self,
        build: dict[str, Any],
        spec: dict[str, Any],
        source: Path,
        environment: dict[str, str],
        log: LogStream,
        deadline: float,
    ) -> str:
        unknown = spec.keys() - KNOWN or spec["phases"].keys() - set(PHASES)
        if unknown:
            raise ValueError(f"local/ does not know the buildspec's {sorted(unknown)}")
        for name in (phase for phase in PHASES if phase in spec["phases"]):
            started = time.monotonic()
            commands = spec["phases"][name].get("commands", [])
            code = self._shell(build["Id"], commands, source, environment, log, deadline)
            elapsed = time.monotonic() - started
            if code is None:
                _phase(build, name.upper(), "TIMED_OUT", elapsed, ("", "Build has timed out. "))
                return "TIMED_OUT"
            if code:
                message = (
                    f"Error while executing command: {commands[-1]}. Reason: exit status {code}"
                )
                _phase(build, name.upper(), "FAILED", elapsed, ("COMMAND_EXECUTION_ERROR", message))
                return "FAILED"
            _phase(build, name.upper(), "SUCCEEDED", elapsed)
        return "SUCCEEDED"

    def _shell(
        self,
        build_id: str,
        commands: list[str],
        folder: Path,
        environment: dict[str, str],
        log: LogStream,
        deadline: float,
    ) -> int | None:
        script = "\n".join(
            f"echo {shlex.quote('[Container] Running command ' + command)}\n{command}"
            for command in commands
        )
        process = subprocess.Popen(
            ["sh", "-e", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._processes[build_id] = process
        reader = threading.Thread(target=log.copy, args=[process.stdout], daemon=True)
        reader.start()
        try:
            code = process.wait(timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            _kill(process)
            code = None
        with process:  # closes its pipe
            reader.join()
        return code


def _kill(process: subprocess.Popen[str]) -> None:
    with_children = os.getpgid(process.pid) if process.poll() is None else None
    if with_children:
        os.killpg(with_children, signal.SIGKILL)
    process.wait()


def _phase(
    build: dict[str, Any],
    kind: str,
    status: str | None,
    seconds: float,
    context: tuple[str, str] | None = None,
) -> None:
    phase: dict[str, Any] = {"PhaseType": kind, "DurationInSeconds": round(seconds, 1)}
    if status:
        phase["PhaseStatus"] = status
    if context:
        phase["Contexts"] = [{"StatusCode": context[0], "Message": context[1]}]
    build["Phases"].append(phase)


def _camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _camel_case(member) for key, member in value.items()}
    return [_camel_case(member) for member in value] if isinstance(value, list) else value
