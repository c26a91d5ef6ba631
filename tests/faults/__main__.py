"""Makes each AWS call of each lifecycle fail with each fault, and prints the outcomes.

Exits with 1 if something was lost, doubled, or failed without a report.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tests.faults import fault_run
from tests.faults.calls import Call
from tests.faults.fault_run import ALARM, ANSWER, CARD, SAME, TWICE, UNREPORTED, WRONG, Cell, Result
from tests.faults.injection import FAULTS
from tests.support.progress import advance

STYLES = {
    SAME: "green",
    TWICE: "yellow",
    CARD: "cyan",
    ANSWER: "cyan",
    ALARM: "magenta",
    UNREPORTED: "yellow",
}
MEANINGS = {
    SAME: "the lifecycle ended as without a fault: nothing lost, nothing doubled",
    TWICE: "the same, but a card or an email came twice: its sender got no response",
    CARD: "the lifecycle ended differently, and a card says so",
    ANSWER: "the click did not work, and its answer says so",
    ALARM: "the lifecycle ended early: the execution failed, or its event is a dead letter; or the "
    "uploader is not recorded, and its function failed",
    UNREPORTED: "nothing lost, and nobody was notified (docs/faults.md says why that is accepted)",
    WRONG: "something was lost, doubled, or failed without a report",
}
Rows = Mapping[Call, Mapping[str, Cell]]


def main(arguments: list[str] | None = None) -> int:
    """Run the requested cases; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="only calls with one of these in them"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/faults.md")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    results = list(_results(options.words))
    if not results:
        parser.error(f"no call has {' or '.join(options.words)} in it")
    rows = fault_run.by_call(results)
    if options.markdown:
        print(*_markdown(rows), sep="\n")
    else:
        Console().print(_table(rows))
    counts = Counter(result.outcome for result in results)
    print(f"\n{len(rows)} calls, {len(results)} faults, {time.monotonic() - began:.0f} s\n")
    for outcome, meaning in MEANINGS.items():
        print(f"{counts[outcome]:5}  {outcome}: {meaning}")
    for result in results:
        if result.outcome == WRONG:
            print(f"\n✘ {_named(result)}: {'; '.join(result.why)}")
    return int(bool(counts[WRONG]))


def _results(words: list[str]) -> Iterator[Result]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("each lifecycle twice without a fault", total=None)
        with fault_run.start_run() as run:
            cases = [
                case
                for case in run.cases()
                if not words or any(word in str(case.call) for word in words)
            ]
            bar.update(task, total=len(cases))
            for result in run.try_all(cases):
                advance(bar, task, _named(result))
                if result.outcome == WRONG:  # also at once: the run may be interrupted
                    bar.console.print(f"✘ {_named(result)}: {'; '.join(result.why)}", markup=False)
                yield result


def _named(result: Result) -> str:
    call = result.case.call
    if not call:
        return result.case.lifecycle
    return f"{result.case.lifecycle}: {call.who}: {call.what}, {result.case.fault}"


def _table(rows: Rows) -> Table:
    table = Table("call", *FAULTS, title="Each call, failed once", header_style="bold")
    last = ""
    for call, result in sorted(rows.items(), key=lambda row: row[0].who):
        if call.who != last:
            table.add_section()
            table.add_row(f"[bold]{call.who}[/bold]")
            last = call.who
        cells = [Text(str(cell), STYLES.get(cell.outcome, "bold red")) for cell in _cells(result)]
        table.add_row(f"  {call.what}", *cells)
    return table


def _cells(result: Mapping[str, Cell]) -> list[Cell]:
    return [result.get(fault, Cell("")) for fault in FAULTS]


def _markdown(rows: Rows) -> Iterator[str]:
    yield f"| who | call | {' | '.join(FAULTS)} |"
    yield "|---" * (len(FAULTS) + 2) + "|"
    for call, result in sorted(rows.items(), key=lambda row: row[0].who):
        yield f"| {call.who} | {call.what} | {' | '.join(map(str, _cells(result)))} |"


if __name__ == "__main__":
    sys.exit(main())
