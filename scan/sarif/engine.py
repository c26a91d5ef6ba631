"""Runs a tool on the upload and reads the SARIF that it writes."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scan import packs, trust
from scan.errors import ScanError
from scan.exhausted import by_words
from scan.finding import Analysis
from scan.job import Job
from scan.log import Log
from scan.process import CRASHES, died, ended, run
from scan.sarif import coverage, scanner_config
from scan.sarif.notifications import READ_THE_LOG
from scan.sarif.output import OutputReader
from scan.sarif.reading import read
from scan.sarif.recipes import Recipe, named, settings_files
from scan.sarif.recipes import recipes as all_recipes

CUSTOM = "custom"
# A shell's exit code for a command that signal n ended is 128 + n (POSIX, Shell Command Language
# 2.8.2).
SHELL_SIGNAL = 128


def analyse(scanner: str, job: Job, source: Path, work: Path, log: Log) -> Analysis:
    """Analyse ``source`` with a recipe's tool, or with ``custom``, in the new folder ``work``.

    The SARIF decides, not the exit code: many tools exit non-zero if they have findings. But a tool
    that was ended by a signal did not finish, even if it wrote SARIF.

    Raises:
        ScanError: the tool cannot be run, was ended by a signal, or reports that it failed; or its
            SARIF is missing or invalid.
    """
    words, recipes = _command(scanner, job)
    tool = Path(words[0]).name if scanner == CUSTOM else recipes[0].name
    command = shlex.join(words)
    work.mkdir()
    sarif = work / "result.sarif"
    view = scanner_config.view(
        source,
        # As short as the name of ``source``: a path in it may have all the length that there is.
        source.with_name(f"v{job.scanners.index(scanner)}"),
        settings_files(recipes, command),
        exclusions_too=not job.allow_exclusions,
    )
    for setting in view.ignored:
        log.write(f"Not followed: {setting.file}")
    values = {
        "python": sys.executable,
        "source": str(view.source),
        "sarif": str(sarif),
        "pack": str(packs.FOLDER / scanner),
    }
    log.write(f"Scanning with {tool}")
    output = OutputReader(
        [recipe.output for recipe in recipes or all_recipes().values() if recipe.output]
    )
    # Not in the upload's folder: tools read settings from their working folder.
    code, tail = run(
        [_filled(word, values) for word in words],
        folder=work,
        log=log,
        extra={
            **packs.environment(scanner),
            **trust.variables(trust.bundle(job.private_ca, work)),
        },
        on_line=output.read,
        until=job.until,
    )
    if _is_signal(code):
        raise died(tool, code, tail)
    if not sarif.is_file() or not sarif.stat().st_size:
        why = ended(tool, code, tail, "wrote no SARIF")
        raise by_words(tail) or ScanError("NoSarif", why, READ_THE_LOG)
    try:
        analysis = read(
            sarif,
            source=view.source,
            folder=work,
            ignored=view.ignored,
            in_source=job.allow_exclusions,
            command=command,
            notes=output.notes,
        )
    except ScanError as scan_error:
        # A tool that crashed while writing leaves an incomplete file; the crash is the cause.
        if scan_error.code == "InvalidSarif" and code:
            why = ended(tool, code, tail, "left SARIF that cannot be read")
            raise by_words(tail) or ScanError(
                scan_error.code, why, scan_error.remediation
            ) from scan_error
        raise
    return replace(analysis, seen=coverage.without(analysis.seen, view.unread))


def _command(scanner: str, job: Job) -> tuple[Sequence[str], Sequence[Recipe]]:
    """The words of the scanner's command, and the recipes of the tools in it."""
    if scanner != CUSTOM:
        recipe = all_recipes().get(scanner)
        if recipe is None or not recipe.command:
            raise ScanError(
                "ScannerNotFound",
                f"There is no recipe for the scanner {scanner!r}.",
                "Correct the setting scanners.",
            )
        return recipe.command, [recipe]
    fix = "Correct the command of the setting customScanner."
    try:
        words = shlex.split(job.custom_command)
    except ValueError as error:
        raise ScanError("ScannerNotFound", f"customScanner: {error}.", fix) from error
    if not words:
        raise ScanError("ScannerNotFound", "customScanner has no command.", fix)
    return words, named(job.custom_command)


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _is_signal(code: int) -> bool:
    return code < 0 or code - SHELL_SIGNAL in CRASHES
