"""preflight: reports what is missing before `pulumi up`, and what is wrong after it."""

import re
from collections.abc import Sequence
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from components.upload_gate import UploadGateArgs
from ops import output
from ops.configuration import Configuration, FileOption, NamedOption, configuration, state
from ops.errors import of_aws
from ops.identity import Identity, identity
from ops.preflight.environment import Environment
from ops.preflight.finding import Check, Finding, Level, failed, warning
from ops.preflight.running import CHECKS, run
from ops.program import record_program

MARKS = {
    Level.FAILED: ("✘", "red"),
    Level.UNKNOWN: ("?", "magenta"),
    Level.WARNING: ("!", "yellow"),
    Level.FINE: ("✔", "green"),
}
# Domains that are reserved for examples and tests (RFC 2606).
EXAMPLES = re.compile(r"[@.](example(\.com|\.net|\.org)?|test|invalid|localhost)$", re.I)
# The exit code is that of the first level that occurs.
CODES = {Level.FAILED: 1, Level.UNKNOWN: 2}
Findings = Sequence[tuple[Check, Finding]]


RoleOption = Annotated[
    str,
    typer.Option(
        metavar="ARN",
        help="A role that Step Functions may assume, to evaluate states of the state machine",
    ),
]


def preflight(
    stack: NamedOption,
    config: FileOption = None,
    role: RoleOption = "",
    json: output.JsonOption = False,
) -> None:
    """Check all that an environment needs, before `pulumi up` and after; changes nothing.

    Exit code 1 where something fails, 2 where something could not be checked.

    Example: chatops preflight --stack dev
    """
    findings = inspect(configuration(stack, config), role)
    if json:
        output.as_json(
            [
                {
                    "area": check.area,
                    "about": check.about,
                    "level": finding.level,
                    "what": finding.what,
                    "why": finding.why,
                    "fix": finding.fix,
                }
                for check, finding in findings
            ]
        )
    else:
        _show(findings, stack)
    levels = {finding.level for _, finding in findings}
    raise typer.Exit(next((code for level, code in CODES.items() if level in levels), 0))


def inspect(configuration: Configuration, role: str = "") -> Findings:
    """Return the findings of all checks; if settings or credentials are wrong, of the settings.

    With a ``role``, Step Functions evaluates states of the state machine.
    """
    findings = _misspelt(configuration)
    if configuration.settings is None:
        return findings + [
            (_early("settings"), failed(what, "`pulumi up` refuses it", fix))
            for what, fix in configuration.wrong
        ]
    findings += _placeholders(configuration.settings, configuration.stack)
    findings += _people(configuration.settings, configuration.stack)
    if not configuration.region:
        fix = f"pulumi config set aws:region eu-central-1 --stack {configuration.stack}"
        return [*findings, (_early("region"), failed("no region is set", "AWS is in many", fix))]
    try:
        who: Identity = identity(configuration.region)
    except (BotoCoreError, ClientError) as error:
        failure = of_aws(error)
        why = "without credentials only the settings are checked"
        missing = failed(failure.what, why, failure.fix)
        return [*findings, (_early("credentials", area="Account"), missing)]
    environment = Environment(
        stack=configuration.stack,
        prefix=configuration.prefix,
        region=configuration.region,
        settings=configuration.settings,
        token=configuration.sonar_token,
        identity=who,
        resources=record_program(
            configuration.stack, configuration.values, who.account, configuration.region
        ).aws,
        outputs=configuration.outputs,
        state=state(configuration.stack) if configuration.outputs else (),
        role=role,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=output.err(), transient=True) as progress:
        task = progress.add_task("Checking", total=len(CHECKS))
        findings += run(environment, done=lambda check: progress.advance(task))
    return findings


def _misspelt(configuration: Configuration) -> list[tuple[Check, Finding]]:
    return [
        (
            _early("settings"),
            warning(
                f"no setting is called {name}",
                "it does nothing; it may be misspelt",
                f"pulumi config rm {name} --stack {configuration.stack}",
            ),
        )
        for name in configuration.unknown
    ]


def _placeholders(settings: UploadGateArgs, stack: str) -> list[tuple[Check, Finding]]:
    lists = {
        "recipients": settings.recipients,
        **{f'appRecipients["{app}"]': team for app, team in settings.app_recipients.items()},
    }
    addresses = {"sender": settings.sender} | {
        f"--path '{key}[{index}]'": address
        for key, team in lists.items()
        for index, address in enumerate(team)
    }
    return [
        (
            _early("settings"),
            failed(
                f"{address} is an example, and nobody reads it",
                "its domain is for examples: no email arrives, nor SES's link to click",
                f"pulumi config set {key} you@your.domain --stack {stack}",
            ),
        )
        for key, address in addresses.items()
        if EXAMPLES.search(address)
    ]


def _people(settings: UploadGateArgs, stack: str) -> list[tuple[Check, Finding]]:
    if settings.self_approval != "refuse" or settings.people:
        return []
    return [
        (
            _early("settings"),
            warning(
                "selfApproval is refuse, and people is empty",
                "the chat service logs ids, which are no addresses: nobody is known as an uploader",
                f"pulumi config set --path 'people.U0123456789' ada@example.com --stack {stack}",
            ),
        )
    ]


def _early(about: str, area: str = "Settings") -> Check:
    """A check for a finding that is known before the checks run."""
    return Check(area=area, about=about, inspect=lambda environment: [])


def _show(findings: Findings, stack: str) -> None:
    """Print a row for each finding; unless it is fine, with why it matters and how to fix it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    area = ""
    for check, finding in findings:
        mark, style = MARKS[finding.level]
        text = Text.assemble(output.cell(finding.what))
        if finding.why:
            text.append("\n")
            text.append_text(output.cell(finding.why, "dim"))
        if finding.fix:
            text.append("\n→ ")
            text.append_text(output.cell(finding.fix, "cyan"))
        table.add_row(
            Text(mark, style), check.area if check.area != area else "", check.about, text
        )
        area = check.area
    output.out().print(table)
    counts = {level: sum(other.level == level for _, other in findings) for level in Level}
    output.say(
        f"{stack}: " + ", ".join(f"{count} {level}" for level, count in counts.items() if count),
        "bold red" if counts[Level.FAILED] else "bold",
    )
