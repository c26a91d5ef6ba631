"""wait: follows a scan until its result."""

from typing import Annotated

import typer

from ops import follow, stack
from ops.decide import ScanArgument
from ops.evidence import checked_scan
from ops.follow import TimeoutOption, WaitFor
from ops.formats import ResultOptions
from ops.option_groups import grouped


@grouped
def wait(
    *,
    scan: ScanArgument,
    wait_for: Annotated[
        WaitFor, typer.Option("--for", help="The gate's result, or people's decision if it failed.")
    ] = WaitFor.gate,
    timeout: TimeoutOption = None,
    results: ResultOptions,
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
    code = follow.finish(stack.load(stack_name, outputs), target, results)
    if code:
        raise typer.Exit(code)
