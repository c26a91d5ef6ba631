"""approve, reject, extend, withdraw, rescan: the buttons' actions, by the same rules."""

import json as jsonlib
from typing import Annotated, Any

import typer

from ops import output, stack
from ops.errors import CommandError
from ops.evidence import checked_scan

ScanArgument = Annotated[
    str, typer.Argument(metavar="SCAN", help="The scan's id, APP/VERSION-ID, as on its card.")
]
ReasonOption = Annotated[str, typer.Option(help="Why; it goes into evidence and email.")]
# First words of the functions' answers if the action was done.
DONE = ("Approved", "Rejected", "Extended", "Withdrawn", "Scanning")


def approve(
    scan: ScanArgument,
    reason: ReasonOption,
    days: Annotated[
        str, typer.Option(help="How long it is valid, for example 14 or 12h; else exceptionPeriod.")
    ] = "",
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Approve a version whose gate failed, for a limited time. Exit code 1: it was refused.

    Example:
    chatops approve payments/3Lg8 --reason "fixed in 1.5" --days 14 --stack prod
    """
    environment = stack.load(stack_name, outputs)
    if environment.outputs.get("approvals") == 2:
        raise CommandError(
            "here two people must approve, and only a click on the card says who did",
            "click Approve on the card",
            code=1,
        )
    _act(environment, scan, {"approve": [reason, days]}, json)


def reject(
    scan: ScanArgument,
    reason: ReasonOption,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Keep a version blocked whose gate failed. Exit code 1: it was decided before.

    Example: chatops reject payments/3Lg8 --reason "fix the shell call" --stack prod
    """
    _act(stack.load(stack_name, outputs), scan, {"reject": reason}, json)


def extend(
    scan: ScanArgument,
    reason: ReasonOption,
    days: Annotated[
        str, typer.Option(help="How long from now on, as 14 or 12h; else exceptionPeriod.")
    ] = "",
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Extend an approval before it expires, from now on. Exit code 1: it was refused.

    Example:
    chatops extend payments/3Lg8 --reason "fix is in review" --days 14 --stack prod
    """
    _act(stack.load(stack_name, outputs), scan, {"extend": [reason, days]}, json)


def withdraw(
    scan: ScanArgument,
    reason: ReasonOption,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Withdraw an approval before it expires. Exit code 1: there was none to withdraw.

    Example:
    chatops withdraw payments/3Lg8 --reason "exploited in the wild" --stack prod
    """
    _act(stack.load(stack_name, outputs), scan, {"withdraw": reason}, json)


def rescan(
    scan: ScanArgument,
    json: output.JsonOption = False,
    stack_name: stack.StackOption = None,
    outputs: stack.OutputsOption = None,
) -> None:
    """Scan a version again whose scan is over and did not pass. Exit code 1: it was refused.

    Example: chatops rescan payments/3Lg8 --stack prod
    """
    environment = stack.load(stack_name, outputs)
    _print(
        scan, ask(environment, environment["rescanFunction"], {"scan": checked_scan(scan)}), json
    )


def ask(environment: stack.Stack, function: str, payload: dict[str, Any]) -> str:
    """Invoke ``function`` with ``payload`` and return the sentence that it answers.

    Raises:
        CommandError: the function failed.
    """
    answer = environment.client("lambda").invoke(
        FunctionName=function, Payload=jsonlib.dumps(payload).encode()
    )
    text = answer["Payload"].read()
    try:
        answer_text = jsonlib.loads(text)
    except (ValueError, RecursionError):
        answer_text = None
    if "FunctionError" in answer or not isinstance(answer_text, str):
        raise CommandError(
            f"{function} failed: {text[:1000].decode(errors='replace')}",
            "look at its log, then try again",
        )
    return answer_text


def _act(environment: stack.Stack, scan: str, action: dict[str, Any], json: bool) -> None:
    payload = {"scan": checked_scan(scan), **action}
    _print(scan, ask(environment, environment["approvalFunction"], payload), json)


def _print(scan: str, sentence: str, json: bool) -> None:
    done = sentence.startswith(DONE)
    if json:
        output.as_json({"scan": scan, "done": done, "sentence": sentence})
    else:
        print(sentence)
    if not done:
        raise typer.Exit(1)
