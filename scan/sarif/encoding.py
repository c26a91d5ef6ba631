"""Finds files that a tool misreads which assumes UTF-8 for all text."""

import codecs
import re
import tokenize
from collections.abc import Iterable
from pathlib import Path

START = 8192
# Encodings in which an ASCII byte is always that character. In others, such as UTF-7 and Shift JIS,
# a comment can hide a line of code.
SAME_ASCII = re.compile(r"ascii|utf-8|iso8859-|cp125")
NOT_UTF8 = "it is not UTF-8, and the scanner reads nothing else"
DECLARED = "it declares an encoding that the scanner does not follow"


def unreadable(source: Path, files: Iterable[str]) -> dict[str, str]:
    """The ``files`` below ``source`` that such a tool misreads, with the reasons."""
    return {file: reason for file in files if (reason := _reason(source / file))}


def _reason(path: Path) -> str:
    with path.open("rb") as file:
        if b"\0" in file.read(START):
            return NOT_UTF8
        if path.suffix != ".py":
            return ""
        file.seek(0)
        # PEP 263.
        try:
            name = codecs.lookup(tokenize.detect_encoding(file.readline)[0]).name
        except (SyntaxError, LookupError):
            return DECLARED
    return "" if SAME_ASCII.match(name) else DECLARED
