"""Writes the result of a scan for build servers: SARIF, JUnit XML, and GitHub's annotations."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ops import output
from ops.errors import CommandError
from ops.formats import files
from ops.formats.result import ScanResult

__all__ = ["Format", "ResultOptions", "ScanResult", "check", "write"]


class Format(StrEnum):
    """Whom the output is for: people, or the log of a job of GitHub Actions."""

    text = "text"
    github = "github"


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """Options of commands: where the result of a scan goes besides the exit code."""

    format: Annotated[
        Format, typer.Option(help="github: annotations and a summary for GitHub Actions.")
    ] = Format.text
    sarif: Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0.")] = None
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit XML.")] = None
    json: output.JsonOption = False


def check(options: ResultOptions) -> None:
    """Check before a scan that its files can be written after it.

    Raises:
        CommandError: a file cannot be written; its code is 2.
    """
    for path in filter(None, (options.sarif, options.junit)):
        files.check(path)


def write(options: ResultOptions, result: ScanResult) -> None:
    """Write the files of ``options``, and print what ``--format github`` wants.

    That is on stdout, or on stderr if stdout has JSON.

    Raises:
        CommandError: a file cannot be written; its code is 2. The others are written.
    """
    from ops.formats import github, junit, sarif

    if options.format == Format.github:
        github.annotate(result, to_stderr=options.json)
    failed: list[CommandError] = []
    for path, render in ((options.sarif, sarif.text), (options.junit, junit.text)):
        try:
            if path:
                files.write(path, render(result))
        except CommandError as error:
            failed.append(error)
    if options.format == Format.github:
        github.summarize(result)
    if failed:
        raise CommandError("; ".join(error.what for error in failed), failed[0].fix)
