"""Maps locations in SARIF to files and lines of the upload (3.4, 3.14.14, 3.28)."""

import os
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

from scan.folders import files_below

LONGEST = 500
# RFC 3986, section 3.1; a single letter is a Windows drive.
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
FILE_URI = re.compile(r"file:(?://[^/?#]*)?(([^?#]*).*)", re.IGNORECASE | re.DOTALL)


class Locations:
    """Finds files below ``source`` by the paths and URIs of a tool that ran in ``folder``.

    It compares strings and does not access the file system: a tool's texts are untrusted.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self.source = source
        self._files = frozenset(path.relative_to(source).as_posix() for path in files_below(source))
        roots = dict.fromkeys((str(source), os.path.realpath(source)))
        self._roots = tuple(f"{root}/" for root in roots)
        # Checkov writes paths relative to its working folder, without the leading `../`, and
        # OSV-Scanner from the root, without the leading `/`.
        self._starts = (*roots, str(folder), str(source.parent), "")
        self._named = lru_cache(maxsize=4096)(self._look_up)  # many findings are in few files

    def of(self, location: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[str, int | None]:
        """The file of a ``location``, or else its text as written ("" for none), and the line."""
        text = self.text(location, run)
        files = self.files(text)
        file = files[0] if files else text[:LONGEST]
        return file, _line(location, "startLine")

    def text(self, location: Mapping[str, Any], run: Mapping[str, Any]) -> str:
        """The URI of the file of a ``location``, "" for none."""
        return uri(artifact_location(location.get("physicalLocation") or {}, run), run)

    def files(self, text: str) -> tuple[str, ...]:
        """The files of the upload that ``text`` may mean, the likeliest first.

        By the standard it is a URI, but some tools write a path, so ``a%20b`` can mean two files.
        """
        return self._named(text)

    def named(self, names: Sequence[str]) -> list[str]:
        """The files whose name matches one of the globs."""
        return [
            file
            for file in self._files
            if any(fnmatchcase(file.rpartition("/")[2], glob) for glob in names)
        ]

    def path(self, text: str) -> tuple[str, ...]:
        """The files of the upload that the path ``text`` may mean; it is not decoded as a URI."""
        return self._relative(text)

    def _look_up(self, text: str) -> tuple[str, ...]:
        if match := FILE_URI.fullmatch(text):
            either = (*self._relative(unquote(match[2])), *self._relative(match[1]))
            return tuple(dict.fromkeys(either))
        decoded = () if SCHEME.match(text) else self._relative(unquote(text))
        raw = self._relative(text) or self._relative(text.replace("\\", "/"))
        return tuple(dict.fromkeys((*decoded, *raw)))

    def _relative(self, path: str) -> tuple[str, ...]:
        absolute = [normpath(f"{start}/{path}") for start in self._starts]
        if path.startswith("/"):
            absolute = [normpath(f"/{path.lstrip('/')}")]
        files = [
            candidate.removeprefix(root)
            for candidate in absolute
            for root in self._roots
            if candidate.startswith(root) and candidate.removeprefix(root) in self._files
        ]
        return tuple(dict.fromkeys(files))


def last_line(location: Mapping[str, Any]) -> int | None:
    """The last line of a ``location``; None if that is the first one, too (3.30.7)."""
    return _line(location, "endLine")


def _line(location: Mapping[str, Any], name: str) -> int | None:
    line = ((location.get("physicalLocation") or {}).get("region") or {}).get(name)
    return line if type(line) is int and line > 0 else None


def artifact_location(physical: Mapping[str, Any], run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The artifactLocation of ``physical``; 3.4.5: it may be only an index of an artifact."""
    location = physical.get("artifactLocation") or {}
    if "uri" in location:
        return location
    artifact = at(run.get("artifacts") or [], location.get("index"))
    return (artifact or {}).get("location") or location


def uri(location: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """The URI of an artifactLocation, resolved against its bases; "" for none."""
    text = str(location.get("uri", ""))
    bases = run.get("originalUriBaseIds") or {}
    base, seen = location.get("uriBaseId"), set()
    # 3.14.14: a base may be relative to another base.
    while text and base in bases and base not in seen:
        if text.startswith("/") or SCHEME.match(text):
            break
        seen.add(base)
        start = str(bases[base].get("uri", ""))
        text = f"{start.rstrip('/')}/{text}" if start else text
        base = bases[base].get("uriBaseId")
    return text


def at(items: Any, index: object) -> Any:
    """The item at ``index``; None if there is none, as for -1, SARIF's default for indexes."""
    return items[index] if type(index) is int and 0 <= index < len(items) else None
