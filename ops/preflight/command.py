"""preflight: says what is missing before `pulumi up`, and what is amiss after it."""

import re
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from components.upload_gate import UploadGateArgs
from ops import shown
from ops.caller import Caller, caller
from ops.configuration import Configuration, FileOption, NamedOption, configuration
from ops.preflight.environment import Environment
from ops.preflight.finding import Check, Finding, Level, failed, warning
from ops.preflight.running import CHECKS, run
from ops.problem import of_aws
from ops.program import record_program

MARKS = {
    Level.FAILED: ("✘", "red"),
    Level.UNKNOWN: ("?", "magenta"),
    Level.WARNING: ("!", "yellow"),
    Level.FINE: ("✔", "green"),
}
# Domains that nobody can have (RFC 2606).
EXAMPLES = re.compile(r"[@.](example(\.com|\.net|\.org)?|test|invalid|localhost)$", re.I)
# The first that was found decides.
CODES = {Level.FAILED: 1, Level.UNKNOWN: 2}
Found = Sequence[tuple[Check, Finding]]


def preflight(
    stack: NamedOption, config: FileOption = None, json: shown.JsonOption = False
) -> None:
    """Check all that an environment needs, before `pulumi up` and after; changes nothing.

    Exit code 1 where something fails, 2 where something could not be checked.

    Example: python -m ops preflight --stack dev
    """
    found = look(configuration(stack, config))
    if json:
        shown.as_json(
            [
                {
                    "area": check.area,
                    "about": check.about,
                    "level": finding.level,
                    "what": finding.what,
                    "why": finding.why,
                    "mend": finding.mend,
                }
                for check, finding in found
            ]
        )
    else:
        _show(found, stack)
    levels = {finding.level for _, finding in found}
    sys.exit(next((code for level, code in CODES.items() if level in levels), 0))


def look(its: Configuration) -> Found:
    """What is found; where settings or credentials are wrong, only that."""
    if its.settings is None:
        return [
            (_said("settings"), failed(what, "`pulumi up` refuses it", mend))
            for what, mend in its.wrong
        ]
    if not its.region:
        mend = f"pulumi config set aws:region eu-central-1 --stack {its.stack}"
        return [(_said("region"), failed("no region is set", "AWS is in many", mend))]
    try:
        who: Caller = caller(its.region)
    except (BotoCoreError, ClientError) as error:
        problem = of_aws(error)
        return [
            (
                _said("credentials"),
                failed(problem.what, "nothing else can be checked", problem.mend),
            )
        ]
    environment = Environment(
        stack=its.stack,
        prefix=its.prefix,
        region=its.region,
        settings=its.settings,
        token=its.sonar_token,
        caller=who,
        resources=record_program(its.stack, its.values, who.account, its.region).aws,
        outputs=its.outputs,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=shown.err(), transient=True) as progress:
        task = progress.add_task("Checking", total=len(CHECKS))
        found = run(environment, done=lambda check: progress.advance(task))
    return [*_misspelt(its), *_placeholders(its.settings, its.stack), *found]


def _misspelt(its: Configuration) -> list[tuple[Check, Finding]]:
    return [
        (
            _said("settings"),
            warning(
                f"no setting is called {name}",
                "it does nothing; it may be misspelt",
                f"pulumi config rm {name} --stack {its.stack}",
            ),
        )
        for name in its.unknown
    ]


def _placeholders(settings: UploadGateArgs, stack: str) -> list[tuple[Check, Finding]]:
    lists = {
        "recipients": settings.recipients,
        **{f'appRecipients["{app}"]': team for app, team in settings.app_recipients.items()},
    }
    addresses = {"sender": settings.sender} | {
        f"--path '{key}[{place}]'": each
        for key, those in lists.items()
        for place, each in enumerate(those)
    }
    return [
        (
            _said("settings"),
            failed(
                f"{address} is nobody's address",
                "its domain is for examples: no email arrives, nor SES's link to click",
                f"pulumi config set {key} you@your.domain --stack {stack}",
            ),
        )
        for key, address in addresses.items()
        if EXAMPLES.search(address)
    ]


def _said(about: str) -> Check:
    """What is looked at before the checks can be."""
    return Check(area="Settings", about=about, look=lambda its: [])


def _show(found: Found, stack: str) -> None:
    """One row for each finding; under what is not fine, why it matters and what mends it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    area = ""
    for check, finding in found:
        mark, style = MARKS[finding.level]
        text = Text.assemble(shown.cell(finding.what))
        if finding.why:
            text.append("\n")
            text.append_text(shown.cell(finding.why, "dim"))
        if finding.mend:
            text.append("\n→ ")
            text.append_text(shown.cell(finding.mend, "cyan"))
        table.add_row(
            Text(mark, style), check.area if check.area != area else "", check.about, text
        )
        area = check.area
    shown.out().print(table)
    counts = {level: sum(each.level == level for _, each in found) for level in Level}
    shown.say(
        f"{stack}: " + ", ".join(f"{count} {level}" for level, count in counts.items() if count),
        "bold red" if counts[Level.FAILED] else "bold",
    )
