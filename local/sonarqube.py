"""A real SonarQube on this machine: downloaded once, started, set up, and stopped."""

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import java


@dataclass(frozen=True, kw_only=True)
class Release:
    """One version of SonarQube: the zip's hash, the Java versions it needs, the gate's metrics."""

    version: str
    sha256: str
    java: frozenset[int]
    metrics: tuple[str, ...] = ("software_quality_blocker_issues", "software_quality_high_issues")


# Java versions: "Server host requirements" of each release at https://docs.sonarsource.com.
RELEASES = {
    release.version: release
    for release in (
        Release(
            version="10.7.0.96327",
            sha256="4a5e5f0d7581e287cff4f02f7588dae499e2aa81fce37b88612acadfb4ba4518",
            java=frozenset({17}),
            metrics=("blocker_violations", "critical_violations"),
        ),
        Release(
            version="25.9.0.112764",
            sha256="e2e4d7a3b6f61376b53f862bde5facedc17d5ee403c217737db6a9bf730df8ef",
            java=frozenset({17, 21}),
        ),
        Release(
            version="26.2.0.119303",
            sha256="601367a97dfacf7d0ba54e23ea54d77bdeef548cd1b5a7f2378a83eea931efa1",
            java=frozenset({21, 25}),
        ),
    )
}
DEFAULT = "25.9.0.112764"
CACHE = Path.home() / ".cache" / "chatops-slack"
START_SECONDS = 600
# SonarQube refuses to run as root; this user (nobody) exists everywhere and owns no files.
NOBODY = 65534
GATE = "Whole code"
# Ends the server when its stdin, a pipe from this process, closes: also if this process crashes.
KEEPER = 'exec 3<&0; "$@" & server=$!; (cat <&3 >/dev/null; kill $server) & wait $server'

Say = Callable[[str], None]


class NoDownload(RuntimeError):
    """Maven could not get the server's zip: no network, or a registry that lacks it."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server; ``token`` may analyse and create projects, ``admin`` may do everything."""

    url: str
    token: str
    admin: str
    release: Release

    def call(self, path: str, **parameters: str) -> dict[str, Any]:
        """Call the API as the administrator: POST with parameters, GET without."""
        return _call(f"{self.url}/{path}", parameters, f"Bearer {self.admin}")


def chosen() -> Release:
    """The release that the environment variable SONARQUBE names, else the default.

    Raises:
        RuntimeError: it is not one of ``RELEASES``.
    """
    version = os.environ.get("SONARQUBE") or DEFAULT
    if version not in RELEASES:
        raise RuntimeError(f"SONARQUBE is {version}, not one of {', '.join(RELEASES)}")
    return RELEASES[version]


def missing() -> str | None:
    """What this machine lacks to run the server, None if it lacks nothing."""
    release = chosen()
    if not java.find(release.java):
        versions = " or ".join(map(str, sorted(release.java)))
        return (
            f"SonarQube {release.version} needs Java {versions}: "
            f"on PATH, in JAVA_HOME or in {java.INSTALLED}"
        )
    if not _archive(release).is_file() and not shutil.which("mvn"):
        return "SonarQube is downloaded with Maven: mvn is not on PATH"
    return None


@contextmanager
def running_server(say: Say = print) -> Iterator[Server]:
    """A new server on 127.0.0.1 until the end of ``with``; ``say`` receives progress messages.

    Raises:
        NoDownload: it is not in the cache and cannot be downloaded.
        RuntimeError: it did not start; the message has the end of its log.
    """
    release = chosen()
    executable = java.find(release.java)
    if not executable:
        raise RuntimeError(missing())
    archive = _downloaded(release, say)
    with tempfile.TemporaryDirectory(prefix="sonarqube-", dir="/var/tmp") as folder:
        home = _unpacked(archive, Path(folder), say)
        url, process = _start(home, executable)
        try:
            _wait_until_up(url, process, home, say)
            yield _set_up(url, release, say)
        finally:
            say("Stopping SonarQube")
            _stop(process)


def _archive(release: Release) -> Path:
    return CACHE / f"sonar-application-{release.version}.zip"


def _downloaded(release: Release, say: Say) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = _archive(release)
    if not archive.is_file():
        say("Downloading SonarQube (850 MB, once)")
        artifact = f"org.sonarsource.sonarqube:sonar-application:{release.version}:zip"
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            process = subprocess.Popen(
                [
                    "mvn",
                    "--batch-mode",
                    "--quiet",
                    "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                    f"-Dartifact={artifact}",
                    f"-DoutputDirectory={folder}",
                    # Otherwise Maven would keep a second copy in its own repository.
                    f"-Dmaven.repo.local={folder}/repository",
                ]
            )
            while process.poll() is None:
                time.sleep(5)
                size = sum(jar.stat().st_size for jar in Path(folder).rglob("*sonar-app*"))
                say(f"  {size // 1024**2} MB")
            if process.returncode:
                raise NoDownload("Maven could not download SonarQube; what it said is above")
            (Path(folder) / archive.name).rename(archive)
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != release.sha256:
        raise RuntimeError(f"{archive} has sha256 {sha256} instead of {release.sha256}; remove it")
    return archive


def _unpacked(archive: Path, folder: Path, say: Say) -> Path:
    say("Unpacking SonarQube")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    [home] = folder.glob("sonarqube-*")
    if os.geteuid() == 0:
        folder.chmod(0o755)
        for path in [home, *home.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    return home


def _start(home: Path, executable: Path) -> tuple[str, subprocess.Popen[bytes]]:
    port, search_port = _free_port(), _free_port()
    root = os.geteuid() == 0
    [application] = home.glob("lib/sonar-application-*.jar")
    process = subprocess.Popen(
        ["sh", "-c", KEEPER, "sh", str(executable), "-jar", str(application)],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            # The server's child processes use this Java.
            "SONAR_JAVA_PATH": str(executable),
            "HOME": str(home / "temp"),
            "SONAR_WEB_HOST": "127.0.0.1",
            "SONAR_WEB_PORT": str(port),
            "SONAR_SEARCH_PORT": str(search_port),
            "SONAR_ES_BOOTSTRAP_CHECKS_DISABLE": "true",
            "SONAR_TELEMETRY_ENABLE": "false",
            "SONAR_UPDATECENTER_ACTIVATE": "false",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=NOBODY if root else None,
        group=NOBODY if root else None,
        extra_groups=[] if root else None,
    )
    return f"http://127.0.0.1:{port}", process


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_up(url: str, process: subprocess.Popen[bytes], home: Path, say: Say) -> None:
    say(f"Starting SonarQube on {url} (about two minutes)")
    began, last_status, reported_at = time.monotonic(), "", 0.0
    while time.monotonic() - began < START_SECONDS:
        if process.poll() is not None:
            break
        status = _status(url)
        if status == "UP":
            return
        elapsed = time.monotonic() - began
        if status != last_status or elapsed > reported_at + 15:
            say(f"  {elapsed:3.0f} s: {status}")
            last_status, reported_at = status, elapsed
        time.sleep(1)
    log = (home / "logs" / "sonar.log").read_text()[-2000:]
    raise RuntimeError(f"SonarQube did not start; its log ends with:\n{log}")


def _status(url: str) -> str:
    try:
        with urllib.request.urlopen(f"{url}/api/system/status", timeout=5) as answer:
            return json.load(answer)["status"]
    except (OSError, ValueError):
        return "not listening yet"


def _set_up(url: str, release: Release, say: Say) -> Server:
    say("Setting up SonarQube: password, users, gate")
    password = secrets.token_urlsafe(16) + "aA1!"
    _call(
        f"{url}/api/users/change_password",
        {"login": "admin", "previousPassword": "admin", "password": password},
        _basic("admin", "admin"),
    )

    def post(path: str, **parameters: str) -> dict[str, Any]:
        return _call(f"{url}/api/{path}", parameters, _basic("admin", password))

    admin = post("user_tokens/generate", name="admin", type="USER_TOKEN")["token"]
    # Least privilege for a scan: analyse, and create an app's project at its first upload.
    post("users/create", login="scanner", name="scanner", password=password)
    for permission in ("scan", "provisioning"):
        post("permissions/add_user", login="scanner", permission=permission)
    token = _call(
        f"{url}/api/user_tokens/generate",
        {"name": "scanner", "type": "GLOBAL_ANALYSIS_TOKEN"},
        _basic("scanner", password),
    )["token"]
    post("qualitygates/create", name=GATE)
    # A new gate comes with SonarQube's own conditions, which are on new code.
    gate_definition = _call(
        f"{url}/api/qualitygates/show?{urllib.parse.urlencode({'name': GATE})}",
        {},
        _basic("admin", password),
    )
    for condition in gate_definition.get("conditions", []):
        post("qualitygates/delete_condition", id=condition["id"])
    # On overall code, so that the first analysis of a project is evaluated too.
    for metric in release.metrics:
        post("qualitygates/create_condition", gateName=GATE, metric=metric, op="GT", error="0")
    post("qualitygates/set_as_default", name=GATE)
    return Server(url=url, token=token, admin=admin, release=release)


def _basic(login: str, password: str) -> str:
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()


def _call(url: str, parameters: dict[str, str], authorization: str) -> dict[str, Any]:
    body = urllib.parse.urlencode(parameters).encode() if parameters else None
    request = urllib.request.Request(url, body, {"Authorization": authorization})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{url} answered {error.code}: {error.read().decode()}") from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.close()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
