"""Runs the tool of the settings on the upload and reads the SARIF that it writes."""

import shlex
from dataclasses import replace
from pathlib import Path

from scan import trust
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
from scan.sarif.recipes import named, settings_files
from scan.sarif.recipes import recipes as all_recipes

# A shell's exit code for a command that signal n ended is 128 + n (POSIX, Shell Command Language
# 2.8.2).
SHELL_SIGNAL = 128


def analyse(job: Job, source: Path, log: Log) -> Analysis:
    """Analyse ``source`` with the tool.

    The SARIF decides, not the exit code: many tools exit non-zero if they have findings. But a tool
    that was ended by a signal did not finish, even if it wrote SARIF.

    Raises:
        ScanError: the tool cannot be run, was ended by a signal, or reports that it failed; or its
            SARIF is missing or invalid.
    """
    work = source.parent / "work"
    work.mkdir()
    sarif = work / "result.sarif"
    try:
        words, recipes = shlex.split(job.sarif_command), named(job.sarif_command)
    except ValueError as error:
        raise ScanError(
            "ScannerNotFound", f"sarifCommand: {error}.", "Correct the setting sarifCommand."
        ) from error
    removed = scanner_config.remove(
        source,
        settings_files(recipes, job.sarif_command),
        exclusions_too=not job.allow_exclusions,
    )
    for setting in removed.ignored:
        log.write(f"Not followed: {setting.file}")
    command = [
        word.replace("{source}", str(source)).replace("{sarif}", str(sarif)) for word in words
    ]
    tool = Path(words[0]).name
    log.write(f"Scanning with {tool}")
    output = OutputReader(
        [recipe.output for recipe in recipes or all_recipes().values() if recipe.output]
    )
    # Not in the upload's folder: tools read settings from their working folder.
    trusted = trust.variables(trust.bundle(job.private_ca, work))
    code, tail = run(command, folder=work, log=log, extra=trusted, on_line=output.read)
    if _is_signal(code):
        raise died(tool, code, tail)
    if not sarif.is_file() or not sarif.stat().st_size:
        why = ended(tool, code, tail, "wrote no SARIF")
        raise by_words(tail) or ScanError("NoSarif", why, READ_THE_LOG)
    try:
        analysis = read(
            sarif,
            source=source,
            folder=work,
            ignored=removed.ignored,
            in_source=job.allow_exclusions,
            command=job.sarif_command,
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
    return replace(
        analysis,
        seen=coverage.without(analysis.seen, removed.unread),
        contents={**analysis.contents, **removed.contents},
    )


def _is_signal(code: int) -> bool:
    return code < 0 or code - SHELL_SIGNAL in CRASHES
