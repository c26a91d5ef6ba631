"""Calls the SonarQube server of the settings in the same way as a scan."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.scan_project import SonarQube
from scan import trust
from scan.job import SonarServer
from scan.log import Log
from scan.sonarqube.api import Api


@contextmanager
def connected(
    scanner: SonarQube, ca_bundle: str, token: str, retry_after: Sequence[int] | None = None
) -> Iterator[Api]:
    """Yield the server's API; its log has ``token`` masked.

    ``ca_bundle`` is the path of a PEM file, or empty.
    """
    server = SonarServer(
        url=scanner.host_url,
        token=token,
        organization=scanner.organization,
    )
    private = Path(ca_bundle) if ca_bundle else None
    with (
        tempfile.TemporaryDirectory() as folder,
        Log(Path(folder) / "log", secrets=[token]) as log,
    ):
        trusted = trust.bundle(private, Path(folder))
        yield Api(server, log, trusted, retry_after)
