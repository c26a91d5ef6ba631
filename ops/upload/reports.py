"""Adds reports of tools that ran elsewhere to the zip of an upload."""

import json
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from domain.claimed_reports import FOLDER, MOST_BYTES, MOST_REPORTS
from ops.errors import CommandError
from ops.upload.packing import TIME, UNIX
from ops.upload.source import Source, unreadable


class Report(NamedTuple):
    """A report, and its name in the zip."""

    name: str
    content: bytes


def reading(paths: Sequence[Path]) -> list[Report]:
    """Read the reports.

    Raises:
        CommandError: one cannot be read, is no SARIF 2.1.0, or there are too many.
    """
    if len(paths) > MOST_REPORTS:
        raise CommandError(
            f"{len(paths)} reports are too many", f"name {MOST_REPORTS} at most, or join their runs"
        )
    return [_read(path, number) for number, path in enumerate(paths, 1)]


def _read(path: Path, number: int) -> Report:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(error, path) from error
    if len(content) > MOST_BYTES:
        raise CommandError(
            f"{path} is over {MOST_BYTES // 1024**2} MiB", "let the tool report less, or split it"
        )
    try:
        document = json.loads(content.decode("utf-8-sig"))
        is_sarif = document["version"] == "2.1.0" and bool(document["runs"])
    except (ValueError, KeyError, TypeError, RecursionError):
        is_sarif = False
    if not is_sarif:
        raise CommandError(f"{path} is no SARIF 2.1.0 with a run", "name the tool's SARIF file")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name.removesuffix(".sarif"))[:50]
    return Report(f"{FOLDER}/{number}-{stem}.sarif", content)


def add(reports: Sequence[Report], source: Source, target: IO[bytes]) -> None:
    """Add them to the zip in ``target``, which is empty if ``source`` is a zip that is copied.

    Raises:
        CommandError: the zip has reports already, or cannot be written.
    """
    try:
        if source.entries is None:
            with source.path.open("rb") as file:
                shutil.copyfileobj(file, target)
        with zipfile.ZipFile(target, "a") as archive:
            if any(name.startswith(f"{FOLDER}/") for name in archive.namelist()):
                raise CommandError(
                    f"{source.path} has a folder {FOLDER} already",
                    "leave out --report, or remove that folder",
                )
            for report in reports:
                info = zipfile.ZipInfo(report.name, TIME)
                info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, UNIX
                info.external_attr = 0o100644 << 16
                archive.writestr(info, report.content)
    except (OSError, zipfile.BadZipFile) as error:
        raise CommandError(
            f"the zip cannot be written: {error}", "set TMPDIR to a folder with more room"
        ) from error
