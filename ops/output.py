"""What commands print: results on stdout, progress and warnings on stderr."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.sanitize import line

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
# Control and bidirectional characters and lone surrogates, which ``json.dumps`` leaves as they are.
UNPRINTABLE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Build servers obey lines of a log: GitHub those that begin with `::`, and it and Azure what
# follows `##[` or `##vso[` anywhere
# (https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs).
ORDER = re.compile(r"#(?=#(?:\[|vso\[))|^\s*:(?=:)")
# Characters in a line of a pipe, which has no width: wide enough that nothing is wrapped, so that
# no line begins in the middle of a text.
PIPE = 10_000
STYLES = {
    "passed": "green",
    "approved": "green",
    "failed": "yellow",
    "request-expired": "yellow",
    "approval-expired": "yellow",
    "superseded": "yellow",
    "withdrawn": "red",
    "rejected": "red",
    "error": "red",
}


def out() -> Console:
    """The console for results."""
    return Console(width=None if sys.stdout.isatty() else PIPE, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """The console for progress, warnings and errors."""
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty())


def cell(value: object, style: str = "") -> Text:
    """Return untrusted text as one line, without markup, control characters, and orders."""
    text = ORDER.sub(r"\g<0> ", line(value, 400))
    return Text(text, style=style or STYLES.get(text, ""))


def counted(number: int, what: str) -> str:
    """For example ``1 scan``, ``2 scans``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print ``rows`` as a table; cells may be untrusted."""
    rendered = Table(box=None, pad_edge=False)
    for column in columns:
        rendered.add_column(column, overflow="fold", header_style="bold")
    for row in rows:
        rendered.add_row(*map(cell, row))
    out().print(rendered)


def heading(text: str, style: str = "bold") -> None:
    """Print a line about the results; it may be untrusted."""
    out().print(cell(text, style), soft_wrap=True)


def as_json(document: Any) -> None:
    """Print ``document`` as indented JSON."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    text = text.replace("##", "#\\u0023")
    print(UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text), flush=True)


def say(text: str, style: str = "") -> None:
    """Print lines for people to stderr; they may be untrusted."""
    for row in text.split("\n"):
        # The terminal wraps it, so that a command can be copied from it.
        err().print(cell(row, style), soft_wrap=True)
