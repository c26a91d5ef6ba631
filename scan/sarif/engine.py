"""Runs the tool of the settings on the upload and reads the SARIF that it writes."""

import shlex
from pathlib import Path

from scan.broken import Broken
from scan.finding import Analysis
from scan.job import Job
from scan.log import Log
from scan.process import run
from scan.sarif import steering
from scan.sarif.reading import MEND, read


def analyse(job: Job, source: Path, log: Log) -> Analysis:
    """What the tool finds in ``source``.

    The SARIF decides, not the exit code: many tools exit non-zero when they find something.

    Raises:
        Broken: the tool cannot be run, or wrote no SARIF, a broken one, or one that says it failed.
    """
    work = source.parent / "work"
    work.mkdir()
    sarif = work / "result.sarif"
    ignored = steering.set_aside(source, exclusions_too=not job.allow_exclusions)
    for each in ignored:
        log.write(f"Not followed: {each.file}")
    try:
        words = shlex.split(job.sarif_command)
    except ValueError as error:
        raise Broken("ScannerNotFound", f"sarifCommand: {error}.", MEND) from error
    command = [
        each.replace("{source}", str(source)).replace("{sarif}", str(sarif)) for each in words
    ]
    log.write(f"Scanning with {words[0]}")
    # Not in the upload's folder: tools read their settings from where they run.
    code, _ = run(command, folder=work, log=log)
    if not sarif.is_file():
        raise Broken("NoSarif", f"{words[0]} wrote no SARIF (exit status {code}).", MEND)
    return read(sarif, source=source, folder=work, ignored=ignored, in_source=job.allow_exclusions)
