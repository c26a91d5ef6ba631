"""Writes the result of a scan for build servers: SARIF, JUnit XML, and GitHub's annotations."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Format(StrEnum):
    """Whom the output is for: people, or the log of a job of GitHub Actions."""

    text = "text"
    github = "github"


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """Where the result of a scan goes besides the exit code; ``json`` prints it as JSON."""

    format: Format = Format.text
    sarif: Path | None = None
    junit: Path | None = None
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    """A scan that has ended: its status, and its documents, which are untrusted.

    ``status`` is that of the tag ``scan-status``; ``sentence`` says it to people. ``report`` is
    report.json, None if there is none; ``findings`` is findings.json, None if there is none, as for
    a scan of version 2.0.
    """

    scan: str
    status: str
    sentence: str
    report: Mapping[str, Any] | None
    findings: Mapping[str, Any] | None


def write(options: ResultOptions, result: ScanResult) -> None:
    """Write the files of ``options``, and what ``--format github`` wants on stdout.

    Raises:
        CommandError: a file cannot be written; its code is 2.
    """
