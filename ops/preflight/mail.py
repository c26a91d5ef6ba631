"""Whether decision emails can be sent and received."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from domain.partition import console
from domain.stored_objects import error_code
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, warning


def sender(environment: Environment) -> Iterator[Finding]:
    """Whether SES lets the sender send."""
    address, creates = environment.settings.sender, environment.settings.create_email_identity
    mails = environment.client("sesv2")
    identity = _identity(mails, address)
    domain = _identity(mails, address.split("@")[1])
    verify = (
        f"aws sesv2 create-email-identity --email-identity {address} --region {environment.region}"
        ", then click the link that SES mails there"
    )
    if creates and identity and not environment.deployed:
        yield failed(
            f"SES knows {address} already, and this stack has not made it",
            "`pulumi up` would stop there",
            f"pulumi config set createEmailIdentity false --stack {environment.stack}",
        )
    elif (identity and identity["VerifiedForSendingStatus"]) or (
        domain and domain["VerifiedForSendingStatus"]
    ):
        yield fine(f"{address} is verified")
    elif creates and not environment.deployed:
        yield fine(f"{address} will be made by `pulumi up`; then SES mails a link there to click")
    else:
        yield failed(
            f"{address} is not verified",
            "SES refuses every email from it; decisions are recorded, but no email is sent",
            f"click the link that SES mailed to {address}" if identity else verify,
        )


def recipients(environment: Environment) -> Iterator[Finding]:
    """Whether SES lets the recipients receive."""
    mails = environment.client("sesv2")
    account = mails.get_account()
    if not account.get("SendingEnabled", True):
        yield failed(
            f"SES sends nothing for this account in {environment.region}",
            f"its state is {account.get('EnforcementStatus', 'not told')}",
            f"read what SES wrote, in its console: {console(environment.region)}/ses",
        )
    if account.get("ProductionAccessEnabled"):
        yield fine("SES is out of its sandbox: emails reach everybody")
        return
    everybody = {
        *environment.settings.recipients,
        *(address for team in environment.settings.app_recipients.values() for address in team),
    }
    unverified = [
        address
        for address in sorted(everybody)
        if not any(
            known and known["VerifiedForSendingStatus"]
            for known in (_identity(mails, address), _identity(mails, address.split("@")[1]))
        )
    ]
    for address in unverified:
        yield failed(
            f"{address} is not verified, and SES is in its sandbox",
            "in the sandbox SES sends to verified addresses only",
            f"aws sesv2 create-email-identity --email-identity {address} "
            f"--region {environment.region}, then click the link; "
            "or ask for production access in the console of SES",
        )
    if not unverified:
        yield warning(
            "SES is in its sandbox; all recipients are verified",
            "a recipient who is added later gets nothing until verified; 200 emails a day at most",
            f"ask for production access: {console(environment.region)}/ses",
        )


def _identity(mails: Any, name: str) -> dict[str, Any] | None:
    try:
        return mails.get_email_identity(EmailIdentity=name)
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return None
        raise
