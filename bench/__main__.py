"""Measures and compares: ``python -m bench [PART ...]``; without a part, those of ``make bench``.

Prints the tables of each part and renews them in docs/benchmarks.md; exits with 1 where a limit is
exceeded.
"""

import argparse
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from bench import burst, clone, command, functions, pipeline, sonarqube
from bench.comparison import Table

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
# Each measures lazily, table by table; ``quick`` measures the smallest size once.
PARTS: dict[str, Callable[[bool], Iterator[Table]]] = {
    "functions": functions.tables,
    "pipeline": pipeline.tables,
    "clone": clone.tables,
    "command": command.tables,
    "sonarqube": sonarqube.tables,
    "burst": burst.tables,
}
USUAL = ("functions", "pipeline", "clone", "command")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="once, smallest size, no docs")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    console = Console(width=None if sys.stdout.isatty() else 150)
    exceeded = []
    for part in options.parts or USUAL:
        load, sections = os.getloadavg()[0], []
        for table in PARTS[part](options.quick):
            if options.quick:  # a single measurement is too noisy for a limit
                table.exceeded.clear()
            sections.append(table.markdown())
            console.print(Markdown(sections[-1]))
            exceeded += table.exceeded
        if not options.quick:
            text = "\n".join([f"{_conditions(load)}\n", *sections])
            PAGE.write_text(renewed(PAGE.read_text(), part, text))
    return int(bool(exceeded))


def renewed(page: str, part: str, text: str) -> str:
    """The page with ``text`` between ``<!-- PART -->`` and ``<!-- end -->``."""
    marked = re.compile(rf"(?<=<!-- {part} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    return marked.sub(lambda _: f"{text}\n", page, count=1)


def _conditions(load_before: float) -> str:
    return (
        f"{time.strftime('%d %B %Y').lstrip('0')}, {os.cpu_count()} cores, load average "
        f"{load_before:.1f} before and {os.getloadavg()[0]:.1f} after. "
        f"Python {platform.python_version()}, boto3 {version('boto3')}, Pulumi {version('pulumi')}."
    )


if __name__ == "__main__":
    sys.exit(main())
