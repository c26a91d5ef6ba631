"""Unpacks 50 archives of package registries, and updates their table in the docs.

``python -m tests.fuzz.registries`` downloads what ``registries.json`` names with pip, mvn and npm,
checks the SHA-256 of each, and exits with 1 if a file of a zip is not in the ledger.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scan.job import UploadLimits
from scan.unpacking import unpack
from tests.scan.emptying import empty

LIST = Path(__file__).with_name("registries.json")
DOCS = Path(__file__).parent.parent.parent / "docs" / "archives.md"
START, END = "<!-- registries -->\n", "<!-- end -->\n"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
# npm's archives are no zips: each is unpacked, and zipped by one of these in turn.
ZIPPERS = (
    "zip -qr {zip} .",
    "7z a -bd -bso0 -tzip {zip} .",
    "jar cfM {zip} .",
    "bsdtar --format zip -cf {zip} .",
    "git init -q . && git add -Af . && git -c user.name=a -c user.email=a@b.invalid commit -qm a"
    " && git archive --format=zip -o {zip} HEAD",
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """One archive of a registry."""

    registry: str
    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """The files in a zip, and those of them in the ledger with the same bytes."""

    package: Package
    maker: str
    files: int
    bytes: int
    ledger_files: int
    ledger_bytes: int


def main() -> int:
    """Run the command described above."""
    packages = [Package(**load) for load in json.loads(LIST.read_text())]
    with tempfile.TemporaryDirectory(prefix="registries-") as folder:
        downloads = Path(folder)
        download(packages, downloads)
        rows = [row(package, downloads, number) for number, package in enumerate(packages)]
    before, _, rest = DOCS.read_text().partition(START)
    DOCS.write_text(before + START + table(rows) + END + rest.partition(END)[2])
    wrong = [
        item for item in rows if (item.files, item.bytes) != (item.ledger_files, item.ledger_bytes)
    ]
    for item in wrong:
        print(f"Not all of it is in the ledger: {item}")
    print(f"{len(rows)} archives, {sum(item.files for item in rows):,} files, {len(wrong)} wrong")
    return 1 if wrong else 0


def download(packages: Sequence[Package], to: Path) -> None:
    """Download all ``packages`` with their registries' clients; no package code is run.

    Raises:
        ValueError: the SHA-256 of a file is not the listed one.
    """
    wheels = [
        f"{package.name}=={package.version}" for package in packages if package.registry == "PyPI"
    ]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-deps", "--only-binary", ":all:", "--dest", str(to), *wheels], to)
    for package in packages:
        if package.registry == "Maven":
            artifact = f"-Dartifact={package.name}:{package.version}:jar:sources"
            _run(
                [
                    "mvn",
                    "-q",
                    "-B",
                    "-Dstyle.color=never",
                    COPY,
                    artifact,
                    f"-DoutputDirectory={to}",
                ],
                to,
            )
        elif package.registry == "npm":
            _run(
                [
                    "npm",
                    "pack",
                    "--silent",
                    "--ignore-scripts",
                    f"{package.name}@{package.version}",
                ],
                to,
            )
        if hashlib.sha256((to / package.file).read_bytes()).hexdigest() != package.sha256:
            raise ValueError(f"{package.file} is not the file that registries.json names")


def row(package: Package, downloads: Path, number: int) -> Row:
    """Unpack ``package`` and compare it with what Python's zipfile reads."""
    archive, maker = downloads / package.file, "as published"
    if package.registry == "npm":
        zipper = ZIPPERS[number % len(ZIPPERS)]
        archive, maker = _zipped(archive, zipper), _name(zipper)
    source = downloads / "source"
    source.mkdir()
    entries = unpack(archive, source, UploadLimits())
    with zipfile.ZipFile(archive) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        same = [
            info for info in infos if opened.read(info) == (source / info.filename).read_bytes()
        ]
    empty(source)
    source.rmdir()
    return Row(
        package=package,
        maker=maker,
        files=len(infos),
        bytes=sum(info.file_size for info in infos),
        ledger_files=min(len(entries), len(same)),
        ledger_bytes=sum(entry.size for entry in entries),
    )


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| package | version | zip made by | files in the zip | in the ledger | bytes in both |",
        "|---|---|---|---|---|---|",
    ]
    for item in rows:
        sizes = f"{item.bytes:,}" if item.bytes == item.ledger_bytes else "differ"
        lines.append(
            f"| {item.package.registry} {item.package.name} | {item.package.version} | {item.maker}"
            f" | {item.files:,} | {item.ledger_files:,} | {sizes} |"
        )
    return "\n".join(lines) + "\n"


def _zipped(tarball: Path, zipper: str) -> Path:
    folder, archive = tarball.with_suffix(".folder"), tarball.with_suffix(".zip")
    shutil.unpack_archive(tarball, folder, "gztar", filter="data")
    _run(["bash", "-euc", zipper.replace("{zip}", str(archive))], folder)
    return archive


def _name(zipper: str) -> str:
    names = {"zip": "Info-ZIP", "7z": "7-Zip", "jar": "jar", "bsdtar": "bsdtar"}
    return names.get(zipper.split(maxsplit=1)[0], "git archive")


def _run(words: Sequence[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
