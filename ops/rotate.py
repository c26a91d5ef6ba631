"""rotate-token: checks a new token of SonarQube, and stores it in the settings of a stack."""

import subprocess
import sys

import typer

from components.scan_project import SonarQube
from ops import output, sonar
from ops.configuration import NamedOption, configuration
from ops.errors import CommandError
from ops.invocation import CHATOPS
from ops.program import PROGRAM
from scan.errors import ScanError


def rotate_token(stack: NamedOption) -> None:
    """Check a new token of SonarQube, and store it in the settings of a stack.

    The token is asked for, or read from stdin; never from the command line, where others see it.
    Scans use it from the next `pulumi up` on.

    Example: chatops rotate-token --stack prod
    """
    settings = configuration(stack, None).sound.settings
    server = settings.scanners.sonarqube if settings else None
    if settings is None or server is None:
        raise CommandError(
            f"stack {stack} needs no token: it scans without SonarQube", "do nothing"
        )
    token = _asked()
    version = check(server, settings.network.ca_bundle, token)
    output.say(f"✔ SonarQube {version} at {server.host_url} knows the token", "green")
    _store(stack, token)
    output.say("✔ stored as sonarToken, encrypted", "green")
    print(f"Next: pulumi up --stack {stack}")
    preflight = f"{CHATOPS} preflight --stack {stack}"
    print(f"Then: {preflight}, which shows its permissions and expiry")
    print("Last: revoke the old token in SonarQube, once no scan runs that began before")


def check(server: SonarQube, ca_bundle: str, token: str) -> str:
    """Return the server's version.

    Raises:
        CommandError: the server does not answer, is too old, or does not know ``token``.
    """
    with sonar.connected(server, ca_bundle, token) as api:
        try:
            return api.check()
        except ScanError as scan_error:
            raise CommandError(
                f"{scan_error.message} The old token stays.", scan_error.remediation, code=1
            ) from scan_error


def _asked() -> str:
    if sys.stdin.isatty():
        token = typer.prompt("New global analysis token", hide_input=True, err=True)
    else:
        token = sys.stdin.read()
    if not (token := token.strip()):
        raise CommandError("no token was given", "paste it when asked, or pipe it into the command")
    return token


def _store(stack: str, token: str) -> None:
    result = subprocess.run(
        ["pulumi", "config", "set", "--secret", "sonarToken", "--stack", stack],
        input=token,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROGRAM,
    )
    if result.returncode:
        raise CommandError(f"Pulumi did not store the token: {result.stderr.strip()}", "try again")
