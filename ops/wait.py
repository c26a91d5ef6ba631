"""wait: follows a scan until its result."""

from pathlib import Path
from typing import Annotated

import typer

from ops import follow, output, stack
from ops.decide import ScanArgument
from ops.evidence import checked_scan
from ops.follow import TimeoutOption, WaitFor
from ops.formats import Format, ResultOptions

FormatOption = Annotated[
    Format, typer.Option("--format", help="github: annotations and a summary for GitHub Actions.")
]
SarifOption = Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0.")]
JunitOption = Annotated[Path | None, typer.Option(help="Write the result as JUnit XML.")]


def wait(
    scan: ScanArgument,
    wait_for: Annotated[
        WaitFor, typer.Option("--for", help="The gate's result, or people's decision if it failed.")
    ] = WaitFor.gate,
    timeout: TimeoutOption = None,
    form: FormatOption = Format.text,
    sarif: SarifOption = None,
    junit: JunitOption = None,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Follow a scan until the result of its gate, or until people have decided.

    Exit code 0: passed or approved; 1: failed, rejected, expired, superseded; 2: it failed to run,
    or there is no result.

    Example: chatops wait payments/3Lg8 --for decision --timeout 8h --stack dev
    """
    target = follow.Target(
        scan=checked_scan(scan), wait_for=wait_for, timeout=follow.seconds(timeout)
    )
    options = ResultOptions(format=form, sarif=sarif, junit=junit, json=json)
    code = follow.finish(stack.load(stack_name, outputs), target, options)
    if code:
        raise typer.Exit(code)
