"""Compares the whole of scan/ with the bare scanner on the same tree and a warm SonarQube.

``python bench/bench_scan.py [pairs]`` prints two ratios: a scan's time without what the server does
after the scanner against the bare scanner's, and the time from the scanner's end to the report
against what the server's own processing took. Each is the median over the pairs, nine unless told.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent.parent))

from local.sonarqube import Server, running_server
from scan.sonarqube import engine
from tests.scan.scanning import scanned, tree
from tests.scan.uploads import zipped
from tests.sonarqube.trees import BAD

MOST_OVERHEAD, MOST_WAIT = 1.05, 1.5
FILES = {f"part{number}/{name}": text for number in range(20) for name, text in BAD.items()}


def bare(server: Server, folder: Path) -> float:
    """Seconds that pysonar takes as its users run it."""
    began = time.monotonic()
    subprocess.run(
        [
            Path(sys.executable).parent / "pysonar",
            f"-Dsonar.host.url={server.url}",
            "-Dsonar.projectKey=bare",
            "-Dsonar.sources=.",
            f"-Dsonar.java.binaries={folder}",
            "-Dsonar.scm.disabled=true",
        ],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "SONAR_TOKEN": server.token},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    took = time.monotonic() - began
    # It leaves before the server has processed its report, which would slow down what follows.
    while server.call("api/ce/component?component=bare")["queue"]:
        time.sleep(0.5)
    return took


def whole(server: Server) -> tuple[float, float, float]:
    """Seconds until the scanner's end, from there to the report, and of the server's processing."""
    ended: list[float] = []
    run = engine.run

    def timed(*arguments: object, **more: object) -> object:
        try:
            return run(*arguments, **more)  # type: ignore[arg-type]
        finally:
            ended.append(time.monotonic())

    began = time.monotonic()
    with patch.object(engine, "run", timed):
        done = scanned(
            zipped(FILES),
            "whole",
            ENGINE="sonarqube",
            SONAR_HOST_URL=server.url,
            SONAR_TOKEN=server.token,
        )
    over = time.monotonic()
    assert done.error is None, done.report["error"]
    task = server.call("api/ce/component?component=chatops-slack_whole")["current"]
    return ended[0] - began, over - ended[0], task["executionTimeMs"] / 1000


def main(pairs: int) -> int:
    """Measure and judge; 1 when a ratio is above what is allowed."""
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        source = tree(FILES, Path(folder))
        print("Warming up")
        bare(server, source)
        whole(server)
        overheads, waits = [], []
        for number in range(pairs):
            # What runs first in a pair must not always be the same.
            if number % 2:
                measured, alone = whole(server), bare(server, source)
            else:
                alone, measured = bare(server, source), whole(server)
            until_scanned, wait, processing = measured
            overheads.append(until_scanned / alone)
            waits.append(wait / processing)
            print(
                f"pair {number + 1}: bare scanner {alone:.1f} s, scan/ {until_scanned:.1f} s; "
                f"to the report {wait:.1f} s, server's processing {processing:.1f} s"
            )
    overhead, wait = statistics.median(overheads), statistics.median(waits)
    print(f"scan/ to bare scanner:            {overhead:.3f} (at most {MOST_OVERHEAD})")
    print(f"report to the server's processing: {wait:.3f} (at most {MOST_WAIT})")
    print(json.dumps({"overhead": round(overhead, 3), "wait": round(wait, 3)}))
    return int(overhead > MOST_OVERHEAD or wait > MOST_WAIT)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
