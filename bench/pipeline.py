"""The whole pipeline on this machine, from upload to card, against the scanner alone."""

import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from bench.comparison import Comparison, Table, alternate, seconds
from local.account import LocalAccount
from local.demo import time_breakdown
from samples import SAMPLES
from scan.sarif.recipes import recipes
from tests.scan.scanning import ENVIRONMENT, tree
from tests.scan.uploads import zipped

# scan/ adds about a second to the scanner's time, and the pipeline another two, whatever the size
# of the upload; with many files that is a small part.
SCAN, PIPELINE = 1.25, 1.6
SAMPLE = (SAMPLES / "payments" / "payments" / "charge.py").read_text()
BUILD = "Fetch, unpack, scan, report"


def tables(quick: bool) -> Iterator[Table]:
    """An upload of many files with findings; and where its time goes."""
    files = 10 if quick else 600
    code = {f"app/part{number}.py": SAMPLE for number in range(files)}
    body = zipped(code)
    compared = Table(f"An upload of {files} files against the scanner alone, Bandit")
    parts = Table("Where the time goes from upload to card", ["", "first upload", "others: median"])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, LocalAccount() as account:
        source = tree(code, Path(folder) / "source")
        first = upload(account, body)
        uploads, scanner = alternate(
            1 if quick else 5,
            lambda: upload(account, body),
            lambda: scan_alone(source, Path(folder) / "out.sarif"),
        )
    alone = [run["all"] for run in scanner]
    compared.compare(Comparison("`scan/`", [run[BUILD] for run in uploads], alone, SCAN))
    compared.compare(
        Comparison("from upload to card", [run["all"] for run in uploads], alone, PIPELINE)
    )
    compared.notes.append(
        "scan/ also starts Python with boto3, fetches and unpacks the zip, accounts for every "
        "file, evaluates the gate, and uploads log and report. AWS adds 20 to 60 s until a build's "
        "machine is there."
    )
    for part, value in first.items():
        parts.add(part, seconds(value), seconds(statistics.median(run[part] for run in uploads)))
    yield compared
    yield parts


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


def scan_alone(source: Path, sarif: Path) -> dict[str, float]:
    """Seconds that Bandit, the slowest scanner of the account, takes on unpacked files."""
    values = {"python": sys.executable, "source": source, "sarif": sarif}
    command = [word.format(**values) for word in recipes()["bandit"].command]
    began = time.perf_counter()
    scanner = subprocess.run(
        command, env={"PATH": ENVIRONMENT["PATH"]}, capture_output=True, text=True, check=False
    )
    if scanner.returncode != 1:  # the scanner's exit code for findings
        raise RuntimeError(f"{scanner.args}: {scanner.returncode}: {scanner.stderr[-500:]}")
    return {"all": time.perf_counter() - began}
