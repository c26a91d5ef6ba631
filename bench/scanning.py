"""The whole of ``scan/`` with the SARIF engine against the bare tool, from S3 to S3."""

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from bench.account import ARTIFACTS, UPLOADS, Account
from bench.pairs import Pair, Section, in_turns
from samples import SAMPLES
from scan.job import SARIF_COMMAND
from tests.scan.scanning import tree
from tests.scan.uploads import zipped

ROOT = Path(__file__).parent.parent
FILES = (1, 600)
# Beside the scanner scan/ takes a second, whatever the upload; many files make that little.
MOST_OVERHEAD = 1.25
SAMPLE = (SAMPLES / "payments" / "payments" / "charge.py").read_text()
PATH = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


def section(account: Account, pairs: int, files: Sequence[int]) -> Section:
    """``python -m scan`` against Bandit on the unpacked files."""
    section = Section("A whole scan against the bare scanner, Bandit")
    for number in files:
        limit = MOST_OVERHEAD if number == max(FILES) else None
        section.add(_pair(account, pairs, number, limit))
    section.notes.append(
        "scan/ also starts Python with boto3, fetches and unpacks the zip, judges, and uploads log "
        "and report. `make bench-scan` measures the same with SonarQube's scanner on a real server."
    )
    return section


def _pair(account: Account, pairs: int, number: int, limit: float | None) -> Pair:
    code = {f"app/part{n}.py": SAMPLE for n in range(number)}
    key = f"payments/{number}-files.zip"
    version = account.s3.put_object(Bucket=UPLOADS, Key=key, Body=zipped(code))["VersionId"]
    environment = {
        **account.environment,
        **PATH,
        "APP": "payments",
        "UPLOAD_BUCKET": UPLOADS,
        "UPLOAD_KEY": key,
        "UPLOAD_VERSION": version,
        "ARTIFACTS_BUCKET": ARTIFACTS,
        "ENGINE": "sarif",
        "LIMITS": '{"BLOCKER": 0, "HIGH": 0}',
    }
    attempts = count(1)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        source = tree(code, Path(folder) / "source")
        bandit = bandit_on(source, Path(folder) / "out")

        def ours() -> float:
            scan = {"SCAN": f"payments/{version}.{next(attempts)}"}
            return _took([sys.executable, "-m", "scan"], {**environment, **scan}, 0)

        def bare() -> float:
            return _took(bandit, PATH, 1)  # it found something

        return Pair(f"{number:,} file{'s'[: number != 1]}", *in_turns(pairs, ours, bare), limit)


def bandit_on(source: Path, sarif: Path) -> list[str]:
    """The default command of the settings, as ``scan/`` runs it."""
    return [
        word.replace("{source}", str(source)).replace("{sarif}", str(sarif))
        for word in shlex.split(SARIF_COMMAND)
    ]


def _took(command: list[str], environment: dict[str, str], code: int) -> float:
    began = time.perf_counter()
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != code:
        raise RuntimeError(f"{command[0]}: {ran.returncode}: {ran.stdout[-500:]}")
    return time.perf_counter() - began
