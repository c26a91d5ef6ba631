"""Reads the settings of a stack as the program does, without a `pulumi up`."""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import pulumi
import typer
import yaml

from components.context import unsupported
from components.settings import load as checked
from components.upload_gate import UploadGateArgs
from ops.errors import CommandError
from ops.program import GATE, PROGRAM, PROJECT, SECRETS, partition_of

NamedOption = Annotated[
    str, typer.Option("--stack", help="The stack, as in dev.", show_default=False)
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Pulumi.STACK.yaml to read instead of asking the Pulumi CLI; no secrets."
    ),
]
TOKEN = SECRETS[0]
# A placeholder for a token that is set, but can't be read here.
UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """``values`` are by full key (``chatops-slack:sender``); ``outputs`` are of the last update.

    ``settings`` are the checked settings, None if ``wrong`` has errors, each with its command.
    """

    stack: str
    values: Mapping[str, str] = field(repr=False)  # the token is among them
    outputs: Mapping[str, Any] = field(default_factory=dict)
    settings: UploadGateArgs | None = None
    wrong: Sequence[tuple[str, str]] = ()

    @property
    def prefix(self) -> str:
        """The prefix of the names of the stack's resources."""
        return f"{PROJECT}-{self.stack}-{GATE}"

    @property
    def unknown(self) -> list[str]:
        """Settings that the program does not declare, for example misspelt; Pulumi accepts them."""
        ours = {value.removeprefix(f"{PROJECT}:") for value in self.values if PROJECT in value}
        return sorted(ours - declared().keys())

    @property
    def region(self) -> str:
        """The region of the stack: its setting, or AWS's own."""
        region = self.values.get("aws:region") or os.environ.get("AWS_REGION")
        return region or os.environ.get("AWS_DEFAULT_REGION", "")

    @property
    def sound(self) -> "Configuration":
        """This configuration, if all settings are valid.

        Raises:
            CommandError: a setting is wrong.
        """
        if self.wrong:
            what, fix = self.wrong[0]
            more = len(self.wrong) - 1
            raise CommandError(what + (f" (and {more} more)" if more else ""), fix)
        return self

    @property
    def sonar_token(self) -> str:
        """The token, empty if it is not set or can't be read here."""
        token = self.values.get(TOKEN, "")
        return "" if token == UNREADABLE else token


def declared() -> dict[str, dict[str, Any]]:
    """The declaration of each setting in ``Pulumi.yaml``."""
    return yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]


def configuration(stack: str, file: Path | None) -> Configuration:
    """Read the stack's settings from ``file``, or from the CLI, which can read secrets, too.

    Raises:
        CommandError: there is no such stack or file, or ``stack`` is empty.
    """
    if not stack:  # as from `make preflight` without STACK
        raise CommandError("which stack?", "name it: --stack dev, or make preflight STACK=dev")
    if file:
        values, outputs = _of_file(file), {}
        secrets = [key for key, value in values.items() if value == UNREADABLE]
    else:
        settings = _pulumi_json("config", "--show-secrets", "--json", stack=stack)
        values = {key: str(entry.get("value", "")) for key, entry in settings.items()}
        secrets = [key for key, entry in settings.items() if entry.get("secret")]
        outputs = _pulumi_json("stack", "output", "--json", stack=stack)
    settings, wrong = _checked(stack, values, secrets)
    made = Configuration(
        stack=stack, values=values, outputs=outputs, settings=settings, wrong=wrong
    )
    if made.region and (reason := unsupported(made.region, partition_of(made.region))):
        fix = f"pulumi config set aws:region eu-central-1 --stack {stack}"
        return replace(made, settings=None, wrong=[*wrong, (reason, fix)])
    return made


def _checked(
    stack: str, values: Mapping[str, str], secrets: Sequence[str]
) -> tuple[UploadGateArgs | None, list[tuple[str, str]]]:
    # Secret Outputs need an event loop, although they are not awaited here.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_all_config(dict(values), list(secrets))
    try:
        return checked(pulumi.Config(PROJECT), stack), []
    except pulumi.RunError as error:
        return None, _listed(str(error))
    finally:
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()


def _listed(error: str) -> list[tuple[str, str]]:
    """Split the error text of ``components.settings``: a heading, then pairs of lines."""
    lines = [line.strip() for line in error.splitlines()[1:]]
    return list(zip(lines[::2], lines[1::2], strict=True))


def _of_file(file: Path) -> dict[str, str]:
    """The values in the CLI's file of a stack, on top of the project's defaults."""
    try:
        selected = yaml.safe_load(file.read_text())["config"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise CommandError(
            f"{file} can't be read as settings of a stack: {error}",
            "name a Pulumi.STACK.yaml: --config Pulumi.dev.yaml",
        ) from error
    # The token counts as set, even if the file lacks it: it could not be read from there anyway.
    known = {**defaults(), TOKEN: UNREADABLE, **selected}
    return {key: _text(value) for key, value in known.items()}


def defaults() -> dict[str, Any]:
    """The default values in ``Pulumi.yaml``, by full key."""
    return {
        f"{PROJECT}:{key}": declaration["default"]
        for key, declaration in declared().items()
        if "default" in declaration
    }


def _text(value: Any) -> str:
    """The value as the CLI passes it to the program; in the file, a secret is encrypted."""
    if isinstance(value, dict) and "secure" in value:
        return UNREADABLE
    return value if isinstance(value, str) else json.dumps(value)


def state(stack: str) -> list[dict[str, Any]]:
    """The resources in the state of a stack that was deployed; secrets stay encrypted."""
    return _pulumi_json("stack", "export", stack=stack)["deployment"]["resources"]


def _pulumi_json(*command: str, stack: str) -> dict[str, Any]:
    try:
        result = subprocess.run(
            ["pulumi", *command, "--stack", stack, "--non-interactive"],
            capture_output=True,
            text=True,
            check=False,
            cwd=PROGRAM,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise CommandError(
            "the Pulumi CLI is not installed here",
            f"https://www.pulumi.com/docs/install/ has it; or use --config Pulumi.{stack}.yaml",
        ) from error
    if result.returncode:
        raise CommandError(
            f"Pulumi does not tell about stack {stack}: {result.stderr.strip()}",
            f"pulumi login, then pulumi stack ls; or use --config Pulumi.{stack}.yaml",
        )
    return json.loads(result.stdout)
