"""The environment of a command: the outputs of its stack, and AWS clients for its region."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config

from domain.json_values import as_dict
from ops import invocation, parameters
from ops.errors import CommandError
from ops.invocation import CHATOPS

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack", help="The stack, as in dev; else the only one in this AWS account and region."
    ),
]
OutputsOption = Annotated[
    Path | None,
    typer.Option(
        "--outputs",
        envvar="CHATOPS_OUTPUTS",
        help="File with what `pulumi stack output --json` printed, instead of asking AWS for it.",
    ),
]
# Parallel requests of commands that read a whole bucket, and connections of a client.
CONCURRENT = 32


class Stack:
    """``stack["uploadBucket"]`` is an output; ``stack.client("s3")`` is boto3's client.

    ``option`` names it in a command, for example ``--stack dev``. ``client`` makes the clients
    instead, for an account that the shell's settings don't name.
    """

    def __init__(
        self, outputs: dict[str, Any], option: str, client: Callable[[str], Any] | None = None
    ) -> None:
        self.outputs, self.option = outputs, option
        self.client = cache(client or self._client)

    def __getitem__(self, output: str) -> str:
        if value := self.outputs.get(output):
            return str(value)
        raise CommandError(
            f"the environment of {self.option} has no output {output}",
            "the environment is older than this command: pulumi up",
        )

    @property
    def people(self) -> dict[str, str]:
        """The setting ``people``, by which users of the chat service are those who upload."""
        return {user: str(name) for user, name in as_dict(self.outputs.get("people")).items()}

    def command(self, *words: str) -> str:
        """Return the command line that calls this program with ``words`` on this environment."""
        return " ".join(filter(None, (CHATOPS, shlex.join(words), self.option)))

    @cached_property
    def region(self) -> str | None:
        """The region in the state machine's ARN, else ``AWS_REGION``, None if neither is set."""
        parts = str(self.outputs.get("stateMachine", "")).split(":")
        return parts[3] if len(parts) > 3 else os.environ.get("AWS_REGION")

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=self.region,
            config=Config(
                connect_timeout=5,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=CONCURRENT,
            ),
        )


def load(stack: str | None, outputs: Path | None) -> Stack:
    """Return the environment of ``--stack`` or ``--outputs``, else the only one that AWS knows.

    In a checkout the Pulumi CLI knows its stacks; elsewhere each stack is known by its parameter.

    Raises:
        CommandError: there is none, or it cannot be read.
    """
    asks_pulumi = invocation.IN_CHECKOUT and bool(shutil.which("pulumi"))
    if stack and asks_pulumi:
        option = shlex.join(["--stack", stack])
        return Stack(_parsed(_pulumi_outputs(stack), f"stack {stack}"), option)
    if stack:
        return _published(*parameters.of_stack(stack))
    if outputs:
        try:
            text = outputs.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"the outputs cannot be read: {error}",
                f"pulumi stack output --json --stack dev > {outputs}",
            ) from error
        return Stack(_parsed(text, str(outputs)), shlex.join(["--outputs", str(outputs)]))
    advice = "--outputs FILE (CHATOPS_OUTPUTS)"
    return _published(
        *parameters.of_only_stack(f"--stack dev, or {advice}" if asks_pulumi else advice)
    )


def _published(name: str, text: str) -> Stack:
    return Stack(_parsed(text, f"the parameter of stack {name}"), shlex.join(["--stack", name]))


def _pulumi_outputs(stack: str) -> str:
    command = ["pulumi", "stack", "output", "--json", "--stack", stack]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=invocation.ROOT,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode:
        raise CommandError(
            f"Pulumi does not tell the outputs of stack {stack}: {result.stderr.strip()}",
            "pulumi login, then pulumi stack ls",
        )
    return result.stdout


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CommandError(
            f"{where} tells no JSON: {error}", "pulumi stack output --json"
        ) from error
    if not isinstance(document, dict) or "uploadBucket" not in document:
        raise CommandError(
            f"{where} has no output uploadBucket", "is this the right stack? pulumi up"
        )
    return document
