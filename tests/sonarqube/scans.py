"""Scans by a real server."""

from collections.abc import Mapping

from local.sonarqube import Server
from tests.scan.scanning import Scanned, scanned
from tests.scan.uploads import zipped


def on(server: Server, files: Mapping[str, str], app: str, **environment: str) -> Scanned:
    """Scan ``files`` as the app ``app``, in an environment that no other test uses."""
    given = {
        "ENGINE": "sonarqube",
        "ENVIRONMENT": "test",
        "SONAR_HOST_URL": server.url,
        "SONAR_TOKEN": server.token,
    }
    return scanned(zipped(files), app, **(given | environment))


def failed(scan: Scanned) -> set[str]:
    """The metrics of the conditions that failed."""
    assert scan.error is None
    return {
        each["metric"] for each in scan.report["gate"]["conditions"] if each["status"] == "error"
    }


def unanalysed(scan: Scanned) -> dict[str, str]:
    """The files that are named as unanalysed, and why."""
    return {
        each["file"]: each["reason"]
        for each in scan.report["coverage"]["files"]
        if each["class"] == "unanalysed"
    }
