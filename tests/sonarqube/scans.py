"""Runs scans on a real server."""

from collections.abc import Mapping

from local.sonarqube import Server
from tests.scan.scanning import Scanned, scanned
from tests.scan.uploads import zipped


def on(server: Server, files: Mapping[str, str], app: str, **environment: str) -> Scanned:
    """Scan ``files`` as the app ``app``, in an environment that no other test uses."""
    given = {
        "SCANNERS": '["sonarqube"]',
        "ENVIRONMENT": "test",
        "SONAR_HOST_URL": server.url,
        "SONAR_TOKEN": server.token,
    }
    return scanned(zipped(files), app, **(given | environment))


def failed(scan: Scanned) -> set[str]:
    """The metrics of the conditions that failed."""
    assert scan.error is None
    return {
        condition["metric"]
        for condition in scan.report["gate"]["conditions"]
        if condition["status"] == "error"
    }


def unanalysed(scan: Scanned) -> dict[str, str]:
    """The unanalysed files with their reasons."""
    return {
        file["file"]: file["reason"]
        for file in scan.report["coverage"]["files"]
        if file["class"] == "unanalysed"
    }
