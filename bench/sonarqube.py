"""The whole of scan/ against the scanner alone, on the same tree and a warm SonarQube server."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from bench.comparison import Comparison, Table, alternate
from local.sonarqube import Server, running_server
from scan.sonarqube import engine
from tests.scan.scanning import scanned, tree
from tests.scan.uploads import zipped
from tests.sonarqube.trees import BAD

SCAN, REPORT = 1.05, 1.5
FILES = {f"part{number}/{name}": text for number in range(20) for name, text in BAD.items()}


def tables(quick: bool) -> Iterator[Table]:
    """A scan to the scanner's end, against the scanner; from there, against the server's work."""
    table = Table(f"A scan of {len(FILES)} files in three languages, with SonarQube")
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        source = tree(FILES, Path(folder))
        measures = (lambda: whole_scan(server), lambda: scanner_alone(server, source))
        alternate(1, *measures)
        scans, alone = alternate(1 if quick else 9, *measures)
    to_scanned, to_report, processing = zip(*scans, strict=True)
    table.compare(
        Comparison(
            "`scan/` until the scanner's end, the scanner alone",
            to_scanned,
            [scanner for (scanner,) in alone],
            SCAN,
        )
    )
    table.compare(
        Comparison(
            "from there to the report, the server's own processing", to_report, processing, REPORT
        )
    )
    yield table


def scanner_alone(server: Server, folder: Path) -> tuple[float, ...]:
    """Seconds that pysonar alone takes, as its users run it."""
    began = time.monotonic()
    subprocess.run(
        [
            Path(sys.executable).parent / "pysonar",
            f"-Dsonar.host.url={server.url}",
            "-Dsonar.projectKey=alone",
            "-Dsonar.sources=.",
            f"-Dsonar.java.binaries={folder}",
            "-Dsonar.scm.disabled=true",
        ],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "SONAR_TOKEN": server.token},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    seconds = time.monotonic() - began
    # The server still processes the report, which would slow down the next measurement.
    while server.call("api/ce/component?component=alone")["queue"]:
        time.sleep(0.5)
    return (seconds,)


def whole_scan(server: Server) -> tuple[float, ...]:
    """Seconds until the scanner's end, from there to the report, and of the server's processing."""
    scanner_ended: list[float] = []
    run = engine.run

    def timed(*arguments: object, **options: object) -> object:
        try:
            return run(*arguments, **options)  # type: ignore[arg-type]
        finally:
            scanner_ended.append(time.monotonic())

    began = time.monotonic()
    with patch.object(engine, "run", timed):
        result = scanned(
            zipped(FILES),
            "whole",
            SCANNERS='["sonarqube"]',
            SONAR_HOST_URL=server.url,
            SONAR_TOKEN=server.token,
        )
    ended = time.monotonic()
    assert result.error is None, result.report["error"]
    task = server.call("api/ce/component?component=chatops-slack_whole")["current"]
    until_scanned = scanner_ended[0] - began
    return until_scanned, ended - scanner_ended[0], task["executionTimeMs"] / 1000
