"""What commands print: results on stdout, progress and warnings on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handlers.outside import line

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
# A pipe has no width: nothing is cut there.
PIPE = 1000
STYLES = {
    "passed": "green",
    "approved": "green",
    "failed": "yellow",
    "expired": "yellow",
    "superseded": "yellow",
    "withdrawn": "red",
    "rejected": "red",
    "error": "red",
}


def out() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPE, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty())


def cell(value: object, style: str = "") -> Text:
    """Return text from outside as one line that neither markup nor control characters change."""
    text = line(value, 400)
    return Text(text, style=style or STYLES.get(text, ""))


def counted(number: int, what: str) -> str:
    """As in ``1 scan``, ``2 scans``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    shown = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold", header_style="bold")
    for row in rows:
        shown.add_row(*map(cell, row))
    out().print(shown)


def as_json(document: Any) -> None:
    print(json.dumps(document, indent=1, ensure_ascii=False))


def say(text: str, style: str = "") -> None:
    """Print a line for people, beside the result."""
    err().print(cell(text, style))
