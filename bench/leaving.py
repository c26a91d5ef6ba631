"""What many findings cost: reading the tool's SARIF, judging, and uploading report and log.

Each measurement is a process of its own: ``python -m bench.leaving FOLDER ours|bare
seconds|megabytes``, with a build's environment.
"""

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import boto3

from bench.account import ARTIFACTS, UPLOADS, Account
from bench.pairs import HEAD, Pair, Section, in_turns
from domain.timestamps import iso, now
from scan import evidence, ledger, limits
from scan.fetch import Fetched
from scan.job import from_environment
from scan.language import Kind
from scan.report import report
from scan.sarif.reading import read

ROOT = Path(__file__).parent.parent
FINDINGS = (10, 1_000, 10_000)
FILES = 300
LOG = b"a line of the scanner's log\n" * 1000


def section(account: Account, pairs: int, findings: Sequence[int]) -> Section:
    """From SARIF to S3, against parsing the SARIF's JSON and two uploads."""
    section = Section("Report and evidence of many findings", [*HEAD, "memory: ours", "bare"])
    for number in findings:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            (Path(folder) / "result.sarif").write_text(json.dumps(sarif(number)))
            (Path(folder) / "scanner.log").write_bytes(LOG)
            ours, bare = (Process(account, way, folder, number) for way in ("ours", "bare"))
            section.add(Pair(f"{number:,} findings", *in_turns(pairs, ours.seconds, bare.seconds)))
            section.rows[-1] += [f"{each.megabytes():.1f} MB" for each in (ours, bare)]
    return section


class Process:
    """One of the two ways; each time about another scan."""

    def __init__(self, account: Account, way: str, folder: str, findings: int) -> None:
        self._command = [sys.executable, "-m", "bench.leaving", folder, way]
        self._scans = (f"payments/{way}-{findings}.{number}" for number in count())
        self._environment = {
            **account.environment,
            "APP": "payments",
            "UPLOAD_BUCKET": UPLOADS,
            "UPLOAD_KEY": "payments/api.zip",
            "UPLOAD_VERSION": "version",
            "ARTIFACTS_BUCKET": ARTIFACTS,
            "ENGINE": "sarif",
            "LIMITS": '{"BLOCKER": 0, "HIGH": 0}',
        }

    def seconds(self) -> float:
        """What it takes, without the process's start."""
        return self._run("seconds")

    def megabytes(self) -> float:
        """The most that it has at once, beyond what it started with."""
        return self._run("megabytes")

    def _run(self, what: str) -> float:
        ran = subprocess.run(
            [*self._command, what],
            cwd=ROOT,
            env={**self._environment, "SCAN": next(self._scans)},
            stdout=subprocess.PIPE,
            check=True,
        )
        return float(ran.stdout)


def sarif(findings: int) -> dict[str, Any]:
    """What a tool says that has found so much."""
    results = [
        {
            "ruleId": f"B{number % 40:03}",
            "level": ("error", "warning", "note")[number % 3],
            "message": {"text": f"Finding {number}: a shell is called with text from outside."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"app/part{number % FILES}.py"},
                        "region": {"startLine": number % 900 + 1},
                    }
                }
            ],
        }
        for number in range(findings)
    ]
    driver = {"name": "Tool", "version": "1.0", "rules": []}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def ours(s3: Any, folder: Path) -> None:
    """What scan/ does once the tool has ended."""
    job = from_environment()
    analysis = read(folder / "result.sarif", source=folder, folder=folder)
    kind = Kind(is_code=True, is_text=True, tags=frozenset({"python"}), language="Python")
    entries = [ledger.Entry(path=f"app/part{number}.py", size=0) for number in range(FILES)]
    whole = report(
        job,
        started_at=iso(now()),
        fetched=Fetched(),
        analysis=analysis,
        coverage=ledger.account(entries, {each.path: kind for each in entries}, analysis.seen),
        outcome=limits.judge(analysis.counts, job.limits),
    )
    assert evidence.write(s3, job, whole, folder / "scanner.log")


def bare(s3: Any, folder: Path) -> None:
    """The least that anybody would do: the report is as large as that of 20 findings."""
    results = json.loads((folder / "result.sarif").read_text())["runs"][0]["results"]
    prefix = f"scans/{from_environment().scan}"
    s3.put_object(Bucket=ARTIFACTS, Key=f"{prefix}/scanner.log", Body=LOG)
    s3.put_object(Bucket=ARTIFACTS, Key=f"{prefix}/report.json", Body=json.dumps(results[:20]))


if __name__ == "__main__":
    place, name, what = sys.argv[1:]
    way = {"ours": ours, "bare": bare}[name]
    client = boto3.client("s3")
    if what == "megabytes":
        tracemalloc.start()
        way(client, Path(place))
        print(tracemalloc.get_traced_memory()[1] / 1024**2)
    else:
        began = time.perf_counter()
        way(client, Path(place))
        print(time.perf_counter() - began)
