"""Measures everything against its bare counterpart: ``make bench``.

Prints the tables, and renews them in docs/benchmarks.md; exits with 1 where a limit is not met.
"""

import argparse
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from bench import account, accounting, handlers, leaving, pipeline, program, scanning
from bench.pairs import Section

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
TABLES = re.compile(r"(<!-- make bench -->\n).*?(<!-- end -->)", re.S)


def sections(quick: bool) -> Iterator[Section]:
    """The tables as they come; ``quick`` tries each once, on the smallest size."""
    smallest = slice(1 if quick else None)
    with account.running() as here:
        yield from handlers.sections(
            here, *((1, 1) if quick else (9, 40)), handlers.LOG_LINES[smallest]
        )
        yield scanning.section(here, 1 if quick else 9, scanning.FILES[smallest])
        yield accounting.section(1 if quick else 3, accounting.SIZES[smallest])
        yield leaving.section(here, 1 if quick else 9, leaving.FINDINGS[smallest])
    yield program.section(1 if quick else 9)
    yield pipeline.from_upload_to_card(1 if quick else 9)
    if not quick:
        yield pipeline.commands()


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and judge; 1 when a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once, smallest; no docs, no verdict")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    load = os.getloadavg()[0]
    found = []
    for each in sections(options.quick):
        each.show(console)
        found.append(each)
    if options.quick:
        return 0
    conditions = (
        f"{time.strftime('%d %B %Y').lstrip('0')}, {os.cpu_count()} cores, load average "
        f"{load:.1f} before and {os.getloadavg()[0]:.1f} after. "
        f"Python {platform.python_version()}, boto3 {version('boto3')}, Pulumi {version('pulumi')}."
    )
    tables = "\n".join([conditions + "\n", *(each.markdown() for each in found)])
    PAGE.write_text(TABLES.sub(lambda marks: f"{marks[1]}{tables}\n{marks[2]}", PAGE.read_text()))
    console.print(f"Written to {PAGE.relative_to(PAGE.parents[1])}")
    return int(any(each.wrong for each in found))


if __name__ == "__main__":
    sys.exit(main())
