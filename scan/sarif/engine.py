"""Runs a tool on the upload and reads the SARIF that it writes."""

import os
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from domain.findings import IgnoredSetting
from scan import packs, trust
from scan.errors import ScanError
from scan.exhausted import by_words
from scan.finding import Analysis
from scan.job import Job
from scan.log import Log
from scan.merge import of_parts
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


@dataclass(frozen=True)
class _Tool:
    """What runs for ``scanner``: its ``name`` for people, and the recipes of all tools in it."""

    scanner: str
    name: str
    words: Sequence[str]
    recipes: Sequence[Recipe]

    @property
    def command(self) -> str:
        return shlex.join(self.words)

    @property
    def by_file(self) -> bool:
        return self.scanner != CUSTOM and self.recipes[0].by_file


def analyse(scanner: str, job: Job, source: Path, work: Path, log: Log) -> Analysis:
    """Analyse ``source`` with a recipe's tool, or with ``custom``, in new folders like ``work``.

    The SARIF decides, not the exit code: many tools exit non-zero if they have findings. But a tool
    that was ended by a signal did not finish, even if it wrote SARIF.

    Raises:
        ScanError: the tool cannot be run, was ended by a signal, or reports that it failed; or its
            SARIF is missing or invalid.
    """
    tool = _tool(scanner, job)
    # As short as the name of ``source``: a path in it may have all the length that there is.
    folder = source.with_name(f"v{job.scanners.index(scanner)}")
    view = scanner_config.view(
        source,
        folder,
        settings_files(tool.recipes, tool.command),
        exclusions_too=not job.allow_exclusions,
    )
    for setting in view.ignored:
        log.write(f"Not followed: {setting.file}")
    log.write(f"Scanning with {tool.name}")
    most = (os.cpu_count() or 1) if tool.by_file else 1
    parts = scanner_config.parts(view.source, folder, most)

    def analysed(part: int) -> Analysis:
        part_of_work = work.with_name(f"{work.name}-{part}")
        return _analysed(tool, job, parts[part], part_of_work, view.ignored, log)

    with ThreadPoolExecutor(len(parts)) as pool:
        analysis = of_parts(list(pool.map(analysed, range(len(parts)))))
    return replace(analysis, seen=coverage.without(analysis.seen, view.unread))


def _analysed(
    tool: _Tool, job: Job, source: Path, work: Path, ignored: Sequence[IgnoredSetting], log: Log
) -> Analysis:
    """The analysis of the upload, or of a part of it, in ``source``."""
    work.mkdir()
    sarif = work / "result.sarif"
    values = {
        "python": sys.executable,
        "source": str(source),
        "sarif": str(sarif),
        "pack": str(packs.FOLDER / tool.scanner),
    }
    output = OutputReader(
        [recipe.output for recipe in tool.recipes or all_recipes().values() if recipe.output]
    )
    # Not in the upload's folder: tools read settings from their working folder.
    code, tail = run(
        [_filled(word, values) for word in tool.words],
        folder=work,
        log=log,
        extra={
            **packs.environment(tool.scanner),
            **trust.variables(trust.bundle(job.private_ca, work)),
        },
        on_line=output.read,
        until=job.until,
    )
    if _is_signal(code):
        raise died(tool.name, code, tail)
    if not sarif.is_file() or not sarif.stat().st_size:
        why = ended(tool.name, code, tail, "wrote no SARIF")
        raise by_words(tail) or ScanError("NoSarif", why, READ_THE_LOG)
    try:
        return read(
            sarif,
            source=source,
            folder=work,
            ignored=ignored,
            in_source=job.allow_exclusions,
            command=tool.command,
            notes=output.notes,
        )
    except ScanError as scan_error:
        # A tool that crashed while writing leaves an incomplete file; the crash is the cause.
        if scan_error.code == "InvalidSarif" and code:
            why = ended(tool.name, code, tail, "left SARIF that cannot be read")
            raise by_words(tail) or ScanError(
                scan_error.code, why, scan_error.remediation
            ) from scan_error
        raise


def _tool(scanner: str, job: Job) -> _Tool:
    if scanner != CUSTOM:
        recipe = all_recipes().get(scanner)
        if recipe is None or not recipe.command:
            raise ScanError(
                "ScannerNotFound",
                f"There is no recipe for the scanner {scanner!r}.",
                "Correct the setting scanners.",
            )
        return _Tool(scanner, recipe.name, recipe.command, [recipe])
    fix = "Correct the command of the setting customScanner."
    try:
        words = shlex.split(job.custom_command)
    except ValueError as error:
        raise ScanError("ScannerNotFound", f"customScanner: {error}.", fix) from error
    if not words:
        raise ScanError("ScannerNotFound", "customScanner has no command.", fix)
    return _Tool(scanner, Path(words[0]).name, words, named(job.custom_command))


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _is_signal(code: int) -> bool:
    return code < 0 or code - SHELL_SIGNAL in CRASHES
