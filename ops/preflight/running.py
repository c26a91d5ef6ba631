"""Runs all checks in parallel."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from botocore.exceptions import BotoCoreError, ClientError

from domain.stored_objects import error_code
from ops.errors import RIGHTS, of_aws
from ops.preflight import (
    account,
    chat_drift,
    lifting,
    mail,
    network,
    principals,
    slack,
    sonarqube,
    state_machine,
    uploads,
)
from ops.preflight.environment import Environment
from ops.preflight.finding import Check, Finding, unknown

CHECKS = (
    Check(area="Account", about="credentials", inspect=account.credentials),
    Check(area="Account", about="rights to deploy", inspect=account.rights),
    Check(area="Account", about="CodeBuild quota", inspect=account.builds),
    Check(area="Account", about="Lambda quota", inspect=account.calls),
    Check(area="Account", about="IAM quotas", inspect=account.roles),
    Check(area="Account", about="remains", inspect=account.remains),
    Check(area="Account", about="audit log", inspect=account.audit_log),
    Check(area="Account", about="VPC", inspect=network.vpc),
    Check(area="Account", about="topic, functions", inspect=account.named),
    Check(area="State machine", about="definition", inspect=state_machine.definition),
    Check(area="State machine", about="expressions", inspect=state_machine.expressions),
    Check(area="Slack", about="workspace", inspect=slack.workspace),
    Check(area="Slack", about="channel", inspect=slack.channel),
    Check(area="Slack", about="buttons", inspect=slack.buttons),
    Check(area="Slack", about="limits of buttons", inspect=slack.limits),
    Check(area="Slack", about="drift", inspect=chat_drift.drift),
    Check(area="Slack", about="guardrail", inspect=chat_drift.guardrail),
    Check(area="Email", about="sender", inspect=mail.sender),
    Check(area="Email", about="DKIM, DMARC", inspect=mail.authentication),
    Check(area="Email", about="recipients", inspect=mail.recipients),
    Check(area="Uploads", about="deployers", inspect=principals.deployers),
    Check(area="Uploads", about="uploaders", inspect=principals.uploaders),
    Check(area="Uploads", about="bucket policy", inspect=uploads.bucket_policies),
    Check(area="Uploads", about="replication", inspect=uploads.replication),
    Check(area="Uploads", about="rights around the gate", inspect=lifting.grants),
    Check(area="SonarQube", about="server, token, gate", inspect=sonarqube.sonarqube),
)
AT_ONCE = 8


def run(
    environment: Environment,
    checks: Sequence[Check] = CHECKS,
    done: Callable[[Check], None] = lambda check: None,
) -> list[tuple[Check, Finding]]:
    """Run the checks, call ``done`` after each, and return their findings in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {
            pool.submit(lambda check=check: list(_findings(check, environment))): check
            for check in checks
        }
        for future in as_completed(running):
            done(running[future])
    return [(check, finding) for future, check in running.items() for finding in future.result()]


def _findings(check: Check, environment: Environment) -> Iterator[Finding]:
    """Yield the findings of the check, and UNKNOWN for an error of AWS."""
    try:
        yield from check.inspect(environment)
    except ClientError as error:
        if error_code(error) in RIGHTS:
            right = _right(error)
            yield unknown(
                f"not checked: {environment.identity.arn} lacks {right}",
                "whether this is as it should be is not known",
                f"allow {right}, or run this as somebody who may",
            )
        else:
            yield _unknown(of_aws(error).what, of_aws(error).fix)
    except BotoCoreError as error:
        yield _unknown(of_aws(error).what, of_aws(error).fix)


def _right(error: ClientError) -> str:
    """The missing permission, for example ``ses:GetAccount``; the call's name if AWS names none."""
    message = error.response.get("Error", {}).get("Message", "")
    named = re.search(r"not authorized to perform:? ([\w-]+:\w+)", message)
    return named[1] if named else error.operation_name


def _unknown(what: str, fix: str) -> Finding:
    return unknown(f"not checked: {what}", "whether this is as it should be is not known", fix)
