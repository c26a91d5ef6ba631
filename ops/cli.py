"""The command line: its commands in groups, each imported when it is called.

Importing this module must stay fast: boto3, rich and Pulumi are imported by the commands.
"""

import inspect
import os
import re
import signal
import sys
import traceback
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from ops import invocation

EXIT_CODES = {
    0: "yes: passed, approved, done",
    1: "no: failed, rejected, expired, superseded, refused",
    2: "no answer: the scan failed to run, nobody decided in time, AWS failed, wrong use",
    130: "interrupted with Ctrl-C",
}


class Command(NamedTuple):
    """A command, without its code: the function ``name`` in ``ops/<module>.py``.

    Its docstring begins with ``summary``. ``program``: it reads the Pulumi program.
    """

    name: str
    summary: str
    module: str
    program: bool = False


GROUPS = {
    "Deliver": (
        Command(
            "upload",
            "Upload a zip, a folder or a Git work tree, and follow its scan",
            "upload.command",
        ),
        Command("wait", "Follow a scan until the result of its gate", "wait"),
        Command("status", "List the last versions of APP", "status"),
        Command("report", "Print what a scan found", "scan_report"),
        Command("fetch", "Download the newest version of APP that passed or was approved", "fetch"),
    ),
    "Decide": (
        Command("waiting", "List what awaits a decision and until when", "waiting"),
        Command("approve", "Approve a version whose gate failed, for a limited time", "decide"),
        Command("reject", "Keep a version blocked whose gate failed", "decide"),
        Command("extend", "Extend an approval before it expires", "decide"),
        Command("withdraw", "Withdraw an approval before it expires", "decide"),
        Command("rescan", "Scan a version again whose scan is over and did not pass", "decide"),
    ),
    "Audit": (
        Command("verify", "Check that evidence is whole and unchanged", "verify"),
        Command("audit", "List who approved what, why, and until when", "audit"),
    ),
    "Operate": (
        Command("redrive", "List the events that started nothing, and start them", "redrive"),
        Command("rotate-token", "Check a new token of SonarQube, and store it", "rotate", True),
        Command("smoke", "Send the samples through an environment", "smoke", True),
        Command("rights", "Print the smallest IAM policies for a role", "rights", True),
        Command("preflight", "Check all that an environment needs", "preflight.command", True),
    ),
}
COMMANDS = {command.name: command for commands in GROUPS.values() for command in commands}


def load(name: str) -> TyperCommand:
    """Import the command ``name``.

    Raises:
        CommandError: it needs the Pulumi program, which is not here.
    """
    command = COMMANDS[name]
    if command.program and not invocation.IN_CHECKOUT:
        from ops.errors import CommandError

        raise CommandError(
            f"{name} reads the Pulumi program, which the installed command does not have",
            f"call it in a checkout of the program: .venv/bin/python -m ops {name}",
        )
    module = import_module(f".{command.module}", __package__)
    function = getattr(module, name.replace("-", "_"))
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    help_text = _help(inspect.getdoc(function) or "")
    alone.command(name, cls=OptionalValues, help=help_text)(function)
    loaded = typer.main.get_command(alone)
    assert isinstance(loaded, TyperCommand)
    return loaded


def _help(docstring: str) -> str:
    """Return ``docstring`` with its example on a line of its own, as it is called here."""
    # After \b, line breaks are kept.
    return re.sub(
        r"Example:\s+chatops ", lambda _: f"\b\nExample:\n  {invocation.CHATOPS} ", docstring
    )


class OptionalValues(TyperCommand):
    """Lets an option with a metavar like ``[=value]`` stand without a value, which is empty then.

    Typer has no such options. A value needs the sign, except for the one that the metavar names:
    another word after the option is the next argument.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        optional = {
            name: str(parameter.metavar)[2:-1]
            for parameter in self.params
            if str(parameter.metavar).startswith("[=")
            for name in parameter.opts
        }
        words: list[str] = []
        for word in args:
            if words and optional.get(words[-1].removesuffix("=")) == word:
                words[-1] += word
            else:
                words.append(f"{word}=" if word in optional else word)
        return super().parse_args(ctx, words)


class Commands(TyperGroup):
    """Lists all commands, and imports the one that is called; prints errors with their fixes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for command in COMMANDS.values():
            self.add_command(TyperCommand(command.name, help=command.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        try:
            return name, load(name) if name else listed, rest
        except Exception:
            if ctx.resilient_parsing:  # the shell asks for completions of what cannot run here
                return name, listed, rest
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections = {
            **{
                group: [(command.name, command.summary) for command in commands]
                for group, commands in GROUPS.items()
            },
            "Exit codes": [(str(code), meaning) for code, meaning in EXIT_CODES.items()],
        }
        width = max(map(len, COMMANDS))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(term.ljust(width), text) for term, text in rows])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("✘ Interrupted. What runs in AWS goes on.", err=True)
            raise typer.Exit(130) from None
        except (BrokenPipeError, SystemExit):
            # As in `| head`. Rich ends it with SystemExit(1), and Click, too, which would answer
            # no. What is still buffered goes nowhere, so that Python does not complain at its end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
            raise typer.Exit(2) from None
        except Exception as error:
            from ops import errors

            failure = errors.understood(error)
            if failure is None:
                raise
            from ops import output

            output.say(f"✘ {failure.what}", "red")
            if failure.fix:
                output.say(f"  {failure.fix}")
            raise typer.Exit(failure.code) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    # The shell completes the words of a program that is on its PATH.
    add_completion=not invocation.IN_CHECKOUT,
    pretty_exceptions_enable=False,
    # Rich's help takes half a second to import.
    rich_markup_mode=None,
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"chatops {invocation.version()}")
        raise typer.Exit


@app.callback()
def commands(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """What people and build servers do with an environment of chatops-slack."""


def main() -> None:
    """Run the command line; an error of the program itself must not answer no (exit code 1)."""
    # A build server that cancels a job sends SIGTERM, which is to end as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # They are None if the caller closed them.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        app(prog_name=invocation.CHATOPS)
    except Exception:
        traceback.print_exc()
        sys.exit(2)
