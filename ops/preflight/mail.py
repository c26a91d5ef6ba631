"""Whether decision emails can be sent and received."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from domain.partition import console
from domain.stored_objects import error_code
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, warning

STRICT_POLICIES = ("quarantine", "reject")
DNS_SECONDS = 10


def sender(environment: Environment) -> Iterator[Finding]:
    """Whether SES lets the sender send, by an identity of the address or of a domain."""
    settings, stack = environment.settings, environment.stack
    address = settings.sender
    creates = (settings.sender_domain or address) if settings.create_email_identity else ""
    known = _identities(environment.client("sesv2"), address)
    verified = [name for name, identity in known.items() if identity["VerifiedForSendingStatus"]]
    if creates in known and not environment.deployed:
        yield failed(
            f"SES knows {creates} already, and this stack has not made it",
            "`pulumi up` would stop there",
            f"pulumi config set createEmailIdentity false --stack {stack}"
            + (f"; pulumi config rm senderDomain --stack {stack}" if "@" not in creates else ""),
        )
    elif verified:
        yield fine(f"{address} is verified" + ("" if address in verified else f" by {verified[0]}"))
    elif creates and not environment.deployed:
        then = "SES mails a link there to click"
        if creates != address:
            then = "its DNS records are an output"
        yield fine(f"{creates} will be made by `pulumi up`; then {then}")
    elif settings.sender_domain:
        yield failed(
            f"{creates} is not verified: SES has not found its DNS records",
            "SES refuses every email from it; decisions are recorded, but no email is sent",
            f"pulumi stack output senderDnsRecords --stack {stack}, and add them to the DNS",
        )
    else:
        yield failed(
            f"{address} is not verified",
            "SES refuses every email from it; decisions are recorded, but no email is sent",
            f"click the link that SES mailed to {address}"
            if address in known
            else f"aws sesv2 create-email-identity --email-identity {address} "
            f"--region {environment.region}, then click the link that SES mails there",
        )


def authentication(environment: Environment) -> Iterator[Finding]:
    """Whether emails pass DMARC: signed with DKIM for the sender's domain, or SPF aligned with it.

    https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dmarc.html
    """
    settings = environment.settings
    domain = settings.sender.rpartition("@")[2].lower()
    known = _identities(environment.client("sesv2"), settings.sender)
    signer = _signer(known)
    if settings.sender_domain and not signer:
        yield fine(f"emails will be signed once SES has found the records of {domain}")
        return
    policy = _dmarc(domain)
    signed = signer == domain or (signer and (policy or {}).get("adkim") != "s")
    if signed or (_mail_from(known) and (policy or {}).get("aspf") != "s"):
        how = f"signed for {signer} (DKIM)" if signed else "sent from a MAIL FROM domain (SPF)"
        yield fine(f"emails are {how}, which DMARC accepts")
        return
    what = f"emails from {settings.sender} are not signed with DKIM"
    if signer:
        what = f"emails from {settings.sender} are signed for {signer}, not for {domain}"
    fix = (
        f"pulumi config set senderDomain {domain} --stack {environment.stack}, "
        f"pulumi up --stack {environment.stack}, then add the DNS records of "
        f"`pulumi stack output senderDnsRecords --stack {environment.stack}`"
        if settings.create_email_identity
        else f"create an identity of {domain} in SES, with Easy DKIM"
    )
    if policy is None:
        why = (
            "they fail DMARC; whether they arrive depends on the domain's policy, which can't be "
            f"looked up here: dig +short TXT _dmarc.{domain}"
        )
        yield warning(what, why, fix)
    elif policy["p"] in STRICT_POLICIES:
        why = f"DMARC of {policy['of']} says p={policy['p']}: they are lost, or marked as spam"
        yield failed(what, why, fix)
    else:
        yield warning(what, "many receivers distrust such emails, or mark them as spam", fix)


def _signer(known: Mapping[str, Mapping[str, Any]]) -> str:
    """The domain that emails are signed for; empty if they are not, or not for the sender.

    The identity of the address decides, then that of its domain, then those above
    (https://docs.aws.amazon.com/ses/latest/APIReference/API_SetIdentityDkimEnabled.html).
    """
    for name, identity in known.items():
        dkim = identity.get("DkimAttributes", {})
        if dkim.get("Status") == "SUCCESS":
            domains = [other for other in known if "@" not in other]
            own = name if "@" not in name else next(iter(domains), name.rpartition("@")[2])
            return own.lower() if dkim.get("SigningEnabled") else ""
    return ""


def _mail_from(known: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the most specific identity has a MAIL FROM domain that works."""
    first = next(iter(known.values()), {})
    return first.get("MailFromAttributes", {}).get("MailFromDomainStatus") == "SUCCESS"


def _dmarc(domain: str) -> dict[str, str] | None:
    """The tags of the domain's DMARC record, with ``p`` for it and ``of``, whose record it is.

    Without a record the policy is ``none``; None if DNS can't be looked up. The record may be of a
    domain above (RFC 7489, 6.6.3), whose ``sp`` is the policy for its subdomains.
    """
    for name in _with_parents(domain):
        texts = _texts(f"_dmarc.{name}")
        if texts is None:
            return None
        for text in texts:
            if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text):
                pairs = (part.partition("=") for part in text.split(";") if "=" in part)
                tags = {key.strip().lower(): value.strip().lower() for key, _, value in pairs}
                policy = tags.get("p", "none")
                return {**tags, "p": policy if name == domain else tags.get("sp", policy)} | {
                    "of": name
                }
    return {"p": "none", "of": domain}


def _texts(name: str) -> list[str] | None:
    """The TXT records of ``name``; None if there is no `dig` here, or no answer."""
    if not shutil.which("dig"):
        return None
    try:
        result = subprocess.run(
            ["dig", "+short", "TXT", name],
            capture_output=True,
            text=True,
            timeout=DNS_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # A long record is several strings, which belong together.
    return ["".join(re.findall(r'"([^"]*)"', line)) for line in result.stdout.splitlines()]


def recipients(environment: Environment) -> Iterator[Finding]:
    """Whether SES lets the recipients receive."""
    mails = environment.client("sesv2")
    account = mails.get_account()
    if not account.get("SendingEnabled", True):
        yield failed(
            f"SES sends nothing for this account in {environment.region}",
            f"its state is {account.get('EnforcementStatus', 'unknown')}",
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
            identity["VerifiedForSendingStatus"]
            for identity in _identities(mails, address).values()
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


def _identities(mails: Any, address: str) -> dict[str, dict[str, Any]]:
    """The identities that may send as ``address``: of it, of its domain, and of those above.

    SES lets a domain's identity send for all its subdomains
    (https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html).
    """
    names = (address, *_with_parents(address.rpartition("@")[2].lower()))
    pairs = ((name, _identity(mails, name)) for name in names)
    return {name: identity for name, identity in pairs if identity}


def _with_parents(domain: str) -> list[str]:
    """The domain and those above it, without the top-level domain."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]


def _identity(mails: Any, name: str) -> dict[str, Any] | None:
    try:
        return mails.get_email_identity(EmailIdentity=name)
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return None
        raise
