"""rotate-token: checks a new token of SonarQube, and stores it in the settings of a stack."""

import subprocess
import sys

import typer

from components.scan_project import SonarQube
from ops import shown, sonar
from ops.configuration import NamedOption, configuration
from ops.problem import Problem
from ops.program import PROGRAM
from scan.broken import Broken


def rotate_token(stack: NamedOption) -> None:
    """Check a new token against the server, and store it in the settings of a stack.

    The token is asked for, or read from stdin; never from the command line, where others see it.
    Scans use it from the next `pulumi up` on.

    Example: python -m ops rotate-token --stack prod
    """
    settings = configuration(stack, None).sound.settings
    if settings is None or not isinstance(settings.scanner, SonarQube):
        raise Problem(f"stack {stack} needs no token: it scans without SonarQube", "do nothing")
    token = _asked()
    version = check(settings.scanner, token)
    shown.say(f"✔ SonarQube {version} at {settings.scanner.host_url} knows the token", "green")
    _store(stack, token)
    shown.say("✔ stored as sonarToken, encrypted", "green")
    print(f"Next: pulumi up --stack {stack}")
    print(f"Then: python -m ops preflight --stack {stack}, which tells its rights and its end")
    print("Last: revoke the old token in SonarQube, once no scan runs that began before")


def check(server: SonarQube, token: str) -> str:
    """Return the server's version.

    Raises:
        Problem: the server does not answer, is too old, or does not know ``token``.
    """
    with sonar.asked(server, token) as api:
        try:
            return api.check()
        except Broken as broken:
            raise Problem(f"{broken.message} The old token stays.", broken.mend, code=1) from broken


def _asked() -> str:
    if sys.stdin.isatty():
        token = typer.prompt("New global analysis token", hide_input=True, err=True)
    else:
        token = sys.stdin.read()
    if not (token := token.strip()):
        raise Problem("no token was given", "paste it when asked, or pipe it into the command")
    return token


def _store(stack: str, token: str) -> None:
    ran = subprocess.run(
        ["pulumi", "config", "set", "--secret", "sonarToken", "--stack", stack],
        input=token,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROGRAM,
    )
    if ran.returncode:
        raise Problem(f"Pulumi did not store the token: {ran.stderr.strip()}", "try again")
