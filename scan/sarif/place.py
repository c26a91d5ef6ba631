"""Where a SARIF result is: a file of the upload and a line (3.28 and 3.4)."""

from functools import lru_cache
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any
from urllib.parse import unquote, urlsplit


def of(
    result: dict[str, Any], run: dict[str, Any], source: Path, folder: Path
) -> tuple[str, int | None]:
    """The file, relative to ``source`` ("" for none), and the line.

    ``folder`` is where the tool ran: some write paths relative to it.
    """
    locations = result.get("locations") or []
    physical = (locations[0].get("physicalLocation") or {}) if locations else {}
    artifact = physical.get("artifactLocation") or {}
    if "uri" not in artifact and artifact.get("index", -1) >= 0:
        artifact = run["artifacts"][artifact["index"]]["location"]
    line = (physical.get("region") or {}).get("startLine")
    return _file(artifact, run, source, folder), line if type(line) is int and line > 0 else None


def _file(artifact: dict[str, Any], run: dict[str, Any], source: Path, folder: Path) -> str:
    path = _path(artifact.get("uri", ""))
    bases = run.get("originalUriBaseIds") or {}
    base, seen = artifact.get("uriBaseId"), set()
    # 3.14.14: a base may stand on another one.
    while base in bases and base not in seen and not path.startswith("/"):
        seen.add(base)
        path = str(PurePosixPath(_path(bases[base].get("uri", ""))) / path)
        base = bases[base].get("uriBaseId")
    return _relative(path, source, folder) if path else ""


@lru_cache(maxsize=4096)  # many findings are in few files
def _relative(path: str, source: Path, folder: Path) -> str:
    # Checkov writes paths relative to where it ran, without the dots that lead there.
    for start in (source, folder, source.parent):
        absolute = Path(normpath(start / path))
        if absolute.is_relative_to(source) and absolute.is_file():
            return absolute.relative_to(source).as_posix()
    return path


def _path(uri: str) -> str:
    """``file:///a%20b`` and ``a b`` alike: tools write both."""
    return unquote(urlsplit(uri).path) if uri.startswith("file:") else unquote(uri)
