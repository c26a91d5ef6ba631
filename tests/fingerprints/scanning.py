"""Downloads, unpacks and scans the releases of ``projects.json``."""

import hashlib
import json
import subprocess
import sys
import tarfile
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from domain.findings_document import AllFindings
from scan import fingerprints
from scan.sarif.reading import read

HERE = Path(__file__).parent
StrPath = str | Path
SEMGREP = "semgrep==1.185.0"
TOOLS = ("bandit", "semgrep")
# A SARIF's results by rule, file and line, with Semgrep's own fingerprint.
Own = dict[tuple[str, str, int], list[str]]


@dataclass(frozen=True, kw_only=True)
class Release:
    """One source archive."""

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project in two versions."""

    name: str
    releases: tuple[Release, Release]

    @property
    def title(self) -> str:
        """For example ``flask 2.3.3 → 3.0.3``."""
        return f"{self.name} {' → '.join(release.version for release in self.releases)}"


PROJECTS = [
    Project(
        name=entry["name"],
        releases=tuple(Release(name=entry["name"], **entry[of]) for of in ("before", "now")),  # type: ignore[arg-type]
    )
    for entry in json.loads((HERE / "projects.json").read_text())
]


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """A release after a scan: its folder, its SARIF, and Semgrep's own fingerprints."""

    source: Path
    sarif: Path
    own: Own

    def findings(self, most_lines: int = fingerprints.MOST_LINES) -> AllFindings:
        """The findings, identified by at most ``most_lines`` lines of each."""
        return _findings(self.sarif, self.source, most_lines)


@cache
def _findings(sarif: Path, source: Path, most_lines: int) -> AllFindings:
    usual, fingerprints.MOST_LINES = fingerprints.MOST_LINES, most_lines
    try:
        analysis = read(sarif, source=source, folder=source)
    finally:
        fingerprints.MOST_LINES = usual
    return AllFindings(
        findings=tuple(analysis.findings), contents=analysis.contents, unseen=(), complete=True
    )


class Workplace:
    """A folder with archives, their sources, and what tools wrote about them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        folder.mkdir(exist_ok=True)

    def scan(self, release: Release, tool: str) -> Scanned:
        """Scan the release with the tool."""
        source = self._source(release)
        sarif = self._folder / f"{source.name}.{tool}.sarif"
        listed = sarif.with_suffix(".own")
        if not sarif.exists():
            listed.unlink(missing_ok=True)
            written = sarif.with_suffix(".part")
            command = self._bandit(written) if tool == "bandit" else self._semgrep(written, listed)
            # Both exit with 1 where they have findings.
            subprocess.run(command, cwd=source, check=False, stdout=subprocess.DEVNULL)
            written.rename(sarif)
        own: Own = {}
        for line in listed.read_text().splitlines() if listed.exists() else ():
            rule, file, number, fingerprint = json.loads(line)
            own.setdefault((rule, file, number), []).append(fingerprint)
        return Scanned(source=source, sarif=sarif, own=own)

    def _bandit(self, sarif: Path) -> list[StrPath]:
        options = ["--quiet", "--recursive", ".", "--ignore-nosec", "--exclude"]
        return [
            sys.executable,
            "-m",
            "bandit",
            *options,
            "",
            "--format",
            "sarif",
            "--output",
            sarif,
        ]

    def _semgrep(self, sarif: Path, listed: Path) -> list[StrPath]:
        python = self._environment() / "bin" / "python"
        options = ["--quiet", "--metrics", "off", "--disable-version-check", "--no-git-ignore"]
        options += ["--disable-nosem", "--x-ignore-semgrepignore-files", "--max-target-bytes", "0"]
        program, rules = HERE / "semgrep_with_fingerprints.py", HERE / "rules.yml"
        given = ["--config", rules, "--sarif", "--output", sarif, "."]
        return [python, program, listed, "scan", *options, *given]

    def _environment(self) -> Path:
        folder = self._folder / "semgrep"
        if not folder.exists():
            venv.create(folder, with_pip=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", SEMGREP]
            subprocess.run(pip, check=True)
        return folder

    def _source(self, release: Release) -> Path:
        source = self._folder / f"{release.name}-{release.version}"
        if not source.exists():
            archive = self._archive(release)
            parts = self._folder / "unpacked"
            with tarfile.open(archive) as tar:
                tar.extractall(parts, filter="data")
            [top] = parts.iterdir()
            top.rename(source)
        return source

    def _archive(self, release: Release) -> Path:
        archive = self._folder / release.file
        if not archive.exists():
            pip = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
            ]
            wanted = ["--no-deps", "--no-binary", ":all:", f"{release.name}=={release.version}"]
            subprocess.run([*pip, "--dest", str(self._folder), *wanted], check=True)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != release.sha256:
            raise ValueError(f"{release.file} is not the file that projects.json names")
        return archive
