"""What it costs to unpack strictly and to account for every file, on top of a scan.

Ours is ``scan.unpacking`` and ``scan.ledger``, bare is ``zipfile``. The scanner itself, Bandit,
takes the same for both, so it is measured once and added to each. Each measurement is a process of
its own: ``python -m bench.accounting ours|bare ARCHIVE FOLDER`` prints seconds and megabytes.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.pairs import HEAD, Pair, Section, in_turns
from bench.scanning import PATH, ROOT, bandit_on
from samples import SAMPLES

# What is looked for: a scan must not become slower by more than this.
MOST_OVERHEAD = 1.05
# Of memory that a large zip may take more than a small one.
MOST_MEGABYTES = 64
MEGABYTE = 1024 * 1024
# Code without findings, since those take time and memory of their own.
CODE = (SAMPLES / "inventory" / "inventory" / "stock.py").read_text()


@dataclass(frozen=True)
class Size:
    """A zip of ``code`` files of Python, and of ``megabytes`` of data that does not pack."""

    name: str
    code: int
    megabytes: int


SMALL = Size("1 file", 1, 0)
SIZES = (SMALL, Size("20,000 files", 20_000, 0), Size("a zip of 1 GB", 60, 1000))


def section(pairs: int, sizes: Sequence[Size]) -> Section:
    """Unpacking and accounting for each size, beside the scanner's own time."""
    section = Section("Every file accounted for, against unzip and scan", [*HEAD, "memory: ours"])
    megabytes = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as folder:
            archive = Path(folder) / "upload.zip"
            _write(size, archive)
            runs = Runs(archive, Path(folder))
            scanner = runs.scanner()
            ours, bare = in_turns(pairs, partial(runs.once, "ours"), partial(runs.once, "bare"))
            limit = None if size is SMALL else MOST_OVERHEAD
            section.add(
                Pair(
                    size.name,
                    [each + scanner for each in ours],
                    [each + scanner for each in bare],
                    limit,
                )
            )
            megabytes.append(runs.megabytes)
            section.rows[-1].append(f"{runs.megabytes:.0f} MB")
    if megabytes[-1] - megabytes[0] > MOST_MEGABYTES:
        section.wrong.append(
            f"memory grows with the zip: {megabytes[0]:.0f} to {megabytes[-1]:.0f} MB"
        )
    section.notes.append(
        "Ours refuses what other unzippers would read differently, and says of each file what it "
        "is; bare is Python's zipfile. Both with the time of Bandit on the same files."
    )
    return section


class Runs:
    """Unpacks one archive again and again, each time in another process and folder."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._archive, self._folder, self._count = archive, folder, 0
        self.megabytes = 0.0

    def once(self, way: str) -> float:
        """Seconds of one way; of ours the most memory is kept."""
        self._count += 1
        to = self._folder / f"{way}-{self._count}"
        ran = subprocess.run(
            [sys.executable, "-m", "bench.accounting", way, str(self._archive), str(to)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        subprocess.run(["rm", "-rf", to], check=True)
        took = json.loads(ran.stdout)
        if way == "ours":
            self.megabytes = max(self.megabytes, took["megabytes"])
        return took["seconds"]

    def scanner(self) -> float:
        """Seconds of Bandit on the unpacked files."""
        source = self._folder / "source"
        with zipfile.ZipFile(self._archive) as opened:
            opened.extractall(source)
        began = time.perf_counter()
        subprocess.run(
            bandit_on(source, self._folder / "out"), env=PATH, capture_output=True, check=False
        )
        took = time.perf_counter() - began
        subprocess.run(["rm", "-rf", source], check=True)
        return took


def _write(size: Size, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for number in range(size.code):
            opened.writestr(f"app/part{number % 100}/module{number}.py", CODE)
        for number in range(size.megabytes):
            opened.writestr(f"data/{number}.bin", os.urandom(MEGABYTE), zipfile.ZIP_STORED)


def ours(archive: Path, to: Path) -> None:
    """As ``scan.__main__`` does it."""
    from scan.finding import Seen
    from scan.job import UploadLimits
    from scan.ledger import Ledger
    from scan.unpacking import unpack

    to.mkdir()
    limits = UploadLimits(bytes=4 * 1024 * MEGABYTE)
    ledger = Ledger(unpack(archive, to, limits), to)
    ledger.account(Seen(analysed=None, languages=frozenset({"python"})))


def bare(archive: Path, to: Path) -> None:
    """With ``zipfile`` alone, which checks none of this."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(to)


def main(way: str, archive: str, to: str) -> str:
    """Unpack in one ``way``; what it took, as JSON."""
    began = time.perf_counter()
    {"ours": ours, "bare": bare}[way](Path(archive), Path(to))
    took = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return json.dumps({"seconds": took, "megabytes": memory})


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
