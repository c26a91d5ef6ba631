"""Reads files of an upload in bounded memory: the SHA-256 of their content and of single lines."""

import codecs
import hashlib
import re
from collections.abc import Container
from pathlib import Path

# Characters that are read at once, since minified code can be one line of many megabytes.
CHUNK = 64 * 1024
# What only some tools take for the end of a line (those of str.splitlines), as they do a carriage
# return alone. And what gives the next lines other numbers: `#line` of C, and `//line` of Go
# (https://pkg.go.dev/cmd/compile#hdr-Compiler_Directives).
OTHER_NUMBERS = re.compile(
    rb"[\x0b\x0c\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]"
    rb"|\n//line |/\*line |\n[ \t]*#[ \t]*(?:line[ \t]+\d|\d+[ \t]+\")"
)
OVERLAP = 8  # the longest that can be split between two chunks of a line
WHITE_SPACE = re.compile(rb"\s+")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def inside(source: Path, file: str) -> Path | None:
    """The path of ``file`` if the upload has it; a tool can name any text as a file."""
    path = source / file
    try:
        is_inside = path.resolve().is_relative_to(source.resolve())
        return path if is_inside and path.is_file() else None
    except (OSError, ValueError):  # a name that is too long or has a null character
        return None


def sha256(path: Path) -> str | None:
    """The SHA-256 of the content, None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def lines(path: Path, numbers: Container[int], last: int) -> dict[int, bytes] | None:
    """The SHA-256 of the lines ``numbers``, none of which is after ``last``.

    White space counts as one space, and at both ends as nothing, so indentation and line breaks may
    change; words may not be joined: ``rm -rf / tmp`` is not ``rm -rf /tmp``.

    None if tools may give these lines other numbers: hostile code could show another line.
    """
    texts: dict[int, hashlib._Hash] = {}
    try:
        with path.open("rb") as start:
            is_utf_16 = start.read(2) in UTF_16
        # Otherwise each byte is one character, since the encoding is unknown.
        encoding, to = ("utf-16", "utf-8") if is_utf_16 else ("latin-1", "latin-1")
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            number, before = 1, b""
            while number <= last and (chunk := file.readline(CHUNK)):
                raw = chunk.encode(to, errors="replace")
                if raw.endswith(b"\r") or OTHER_NUMBERS.search((before or b"\n") + raw):
                    return None
                is_last = chunk.endswith("\n") or len(chunk) < CHUNK
                before = b"" if is_last else raw[-OVERLAP:]
                if number in numbers:
                    text = WHITE_SPACE.sub(b" ", raw)
                    text = text if number in texts else text.lstrip()
                    hashed = texts.setdefault(number, hashlib.sha256())
                    hashed.update(text.rstrip() if is_last else text)
                number += is_last
    except OSError:
        return {}
    return {number: hashed.digest() for number, hashed in texts.items()}
