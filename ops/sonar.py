"""The SonarQube server of the settings, called as a scan calls it."""

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
    """The server's API for a while; what it says is shown without ``token``."""
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
