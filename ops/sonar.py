"""Calls the SonarQube server of the settings in the same way as a scan."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.scan_project import SonarQube
from scan.job import SonarServer
from scan.log import Log
from scan.sonarqube.api import Api, ca_bundle


@contextmanager
def connected(
    scanner: SonarQube, token: str, retry_after: Sequence[int] | None = None
) -> Iterator[Api]:
    """Yield the server's API; its log has ``token`` masked."""
    server = SonarServer(
        url=scanner.host_url,
        token=token,
        organization=scanner.organization,
        ca=scanner.ca,
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Log(Path(folder) / "log", secrets=[token]) as log,
    ):
        yield Api(server, log, ca_bundle(server.ca, Path(folder)), retry_after)
