"""The whole pipeline on this machine, from upload to card, against the scanners alone."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.comparison import Comparison, Table, alternate, seconds
from local.account import ADMINISTRATOR, REGION, LocalAccount
from local.demo import time_breakdown
from samples import SAMPLES
from scan.sarif.recipes import recipes
from tests.scan.scanning import ENVIRONMENT, tree
from tests.scan.uploads import zipped

SCANNERS = ("bandit", "ruff")
# Of many files: Bandit runs on all cores there, so all of it takes less than Bandit alone.
SCAN, PIPELINE = 1.05, 1.30
# Of one file, against the least: starting Python with boto3 takes longer than Bandit does.
LEAST = 1.50
SAMPLE = (SAMPLES / "payments" / "payments" / "charge.py").read_text()
BUILD = "Fetch, unpack, scan, report"


@dataclass(frozen=True)
class Times:
    """Seconds, by part, of the first upload, of others, and of both baselines."""

    first: dict[str, float]
    uploads: list[dict[str, float]]
    alone: list[dict[str, float]]
    least: list[dict[str, float]]

    def of(self, part: str) -> list[float]:
        """Seconds of a part of the uploads but the first one."""
        return [run[part] for run in self.uploads]


def tables(quick: bool) -> Iterator[Table]:
    """Uploads of many files with findings, and of one; and where the time of the former goes."""
    many = 10 if quick else 600
    with LocalAccount({"scanners": json.dumps(SCANNERS)}) as account:
        times = measured(account, many, 1 if quick else 5)
        yield compared(f"{many} files", times, SCAN, None, PIPELINE)
        yield compared("one file", measured(account, 1, 1 if quick else 15), None, LEAST, None)
    parts = Table(f"Where the time goes, with {many} files", ["", "first upload", "others: median"])
    for part, value in times.first.items():
        parts.add(part, seconds(value), seconds(statistics.median(times.of(part))))
    yield parts


def compared(
    size: str, times: Times, scan: float | None, least: float | None, pipeline: float | None
) -> Table:
    """The table of an upload, with its limits."""
    names = ", ".join(recipes()[name].name for name in SCANNERS)
    table = Table(f"An upload of {size}, scanned by {names}")
    alone, at_least = ([run["all"] for run in runs] for runs in (times.alone, times.least))
    table.compare(Comparison("`scan/`, and the slowest alone", times.of(BUILD), alone, scan))
    table.compare(Comparison("`scan/`, and the least", times.of(BUILD), at_least, least))
    table.compare(Comparison("upload to card, and the scanner", times.of("all"), alone, pipeline))
    return table


def measured(account: LocalAccount, files: int, turns: int) -> Times:
    """Upload and scan so many files with findings, in turns with the baselines."""
    code = {f"app/part{number}.py": SAMPLE for number in range(files)}
    body = zipped(code)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        source, sarif = tree(code, Path(folder) / "source"), Path(folder) / "out.sarif"
        first = upload(account, body)
        runs = alternate(
            turns,
            lambda: upload(account, body),
            lambda: max(
                (scan_alone(name, source, sarif) for name in SCANNERS), key=lambda run: run["all"]
            ),
            lambda: scan_least(account, body),
        )
    return Times(first, *runs)


def upload(account: LocalAccount, body: bytes) -> dict[str, float]:
    """Seconds from an upload to its card, ``all`` and by part."""
    began = time.time()
    # An app of its own: another version would supersede the request of this one.
    scan = account.upload(f"app-{uuid.uuid4().hex[:8]}/api.zip", body)
    execution = account.execution(scan)
    card = account.channel.wait(lambda card: card.scan == scan, 120)
    account.reached(execution, "AwaitDecision")
    *parts, total = time_breakdown(account, scan, execution, card.received - began).items()
    return {**dict(parts), "all": total[1]}


def scan_alone(scanner: str, source: Path, sarif: Path) -> dict[str, float]:
    """Seconds of a scanner's command on unpacked files with findings."""
    began = time.perf_counter()
    run = subprocess.run(
        command(scanner, source, sarif),
        env={"PATH": ENVIRONMENT["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 1:  # the exit code of both for findings
        raise RuntimeError(f"{run.args}: {run.returncode}: {run.stderr[-500:]}")
    return {"all": time.perf_counter() - began}


def scan_least(account: LocalAccount, body: bytes) -> dict[str, float]:
    """Seconds of ``least_scan`` with the slowest scanner, Bandit."""
    bucket, key = account.outputs["artifactsBucket"], f"least-{uuid.uuid4().hex}.zip"
    account.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        program = [sys.executable, str(Path(__file__).with_name("least_scan.py"))]
        scanner = command("bandit", Path(folder) / "source", Path(folder) / "out.sarif")
        began = time.perf_counter()
        subprocess.run(
            [*program, folder, bucket, key, f"{key}.sarif", *scanner],
            env={
                "PATH": ENVIRONMENT["PATH"],
                "AWS_ENDPOINT_URL": account.endpoint,
                "AWS_ACCESS_KEY_ID": ADMINISTRATOR,
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_DEFAULT_REGION": REGION,
            },
            check=True,
        )
        return {"all": time.perf_counter() - began}


def command(scanner: str, source: Path, sarif: Path) -> list[str]:
    """The command of a scanner in the list."""
    values = {"python": sys.executable, "source": source, "sarif": sarif}
    return [word.format(**values) for word in recipes()[scanner].command]
