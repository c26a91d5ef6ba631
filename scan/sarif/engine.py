"""Runs the tool of the settings on the upload and reads the SARIF that it writes."""

import shlex
from dataclasses import replace
from pathlib import Path

from scan.broken import Broken
from scan.exhausted import by_words
from scan.finding import Analysis
from scan.job import Job
from scan.log import Log
from scan.process import CRASHES, died, ended, run
from scan.sarif import coverage, steering
from scan.sarif.notifications import READ_THE_LOG
from scan.sarif.output import OutputReader
from scan.sarif.reading import read
from scan.sarif.recipes import RECIPES, named, settings_files

# What a shell says of a command that a signal ended (POSIX, Shell Command Language 2.8.2).
SHELL_SIGNAL = 128


def analyse(job: Job, source: Path, log: Log) -> Analysis:
    """What the tool finds in ``source``.

    The SARIF decides, not the exit code: many tools exit non-zero when they find something. But
    one that a signal ended was not done, whatever it left.

    Raises:
        Broken: the tool cannot be run, was ended, or wrote no SARIF, a broken one, or one that
            says it failed.
    """
    work = source.parent / "work"
    work.mkdir()
    sarif = work / "result.sarif"
    try:
        words, recipes = shlex.split(job.sarif_command), named(job.sarif_command)
    except ValueError as error:
        raise Broken(
            "ScannerNotFound", f"sarifCommand: {error}.", "Correct the setting sarifCommand."
        ) from error
    aside = steering.set_aside(
        source,
        settings_files(recipes, job.sarif_command),
        exclusions_too=not job.allow_exclusions,
    )
    for each in aside.ignored:
        log.write(f"Not followed: {each.file}")
    command = [
        each.replace("{source}", str(source)).replace("{sarif}", str(sarif)) for each in words
    ]
    tool = Path(words[0]).name
    log.write(f"Scanning with {tool}")
    output = OutputReader([each.output for each in recipes or RECIPES if each.output])
    # Not in the upload's folder: tools read their settings from where they run.
    code, tail = run(command, folder=work, log=log, on_line=output.read)
    if _is_signal(code):
        raise died(tool, code, tail)
    if not sarif.is_file() or not sarif.stat().st_size:
        why = ended(tool, code, tail, "wrote no SARIF")
        raise by_words(tail) or Broken("NoSarif", why, READ_THE_LOG)
    try:
        analysis = read(
            sarif,
            source=source,
            folder=work,
            ignored=aside.ignored,
            in_source=job.allow_exclusions,
            command=job.sarif_command,
            notes=output.notes,
        )
    except Broken as broken:
        # Half a file is what is left of a tool that died while it wrote.
        if broken.code == "BrokenSarif" and code:
            why = ended(tool, code, tail, "left SARIF that cannot be read")
            raise by_words(tail) or Broken(broken.code, why, broken.remediation) from broken
        raise
    return replace(analysis, seen=coverage.without(analysis.seen, aside.unread))


def _is_signal(code: int) -> bool:
    return code < 0 or code - SHELL_SIGNAL in CRASHES
