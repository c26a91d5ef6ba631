"""The SES identity that emails come from: a domain, signed with DKIM, or a single address."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

# The regions in which SES publishes DKIM keys in a zone of the region's own
# (https://docs.aws.amazon.com/general/latest/gr/ses.html, "DKIM domains").
OWN_ZONES = {
    *("af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5"),
    *("ca-west-1", "eu-central-2", "eu-south-1", "il-central-1", "me-central-1"),
}


def identity(
    name: str, sender: str, domain: str, region: str, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Create the identity of ``domain``, or of the address ``sender`` if that is empty.

    Returns the DNS records that the domain needs, as lines of a zone file; empty for an address,
    to which SES mails a link. Emails from an address are not signed with DKIM, so they fail DMARC.
    """
    if not domain:
        aws.sesv2.EmailIdentity(f"{name}-sender", email_identity=sender, opts=opts)
        return pulumi.Output.from_input("")
    made = aws.sesv2.EmailIdentity(
        f"{name}-sender-domain",
        email_identity=domain,
        # Easy DKIM: SES makes and renews the keys, and verifies the domain by their records.
        dkim_signing_attributes={"next_signing_key_length": "RSA_2048_BIT"},
        opts=opts,
    )
    return made.dkim_signing_attributes.apply(
        lambda attributes: dns_records(domain, attributes.tokens or (), region)
    )


def dns_records(domain: str, tokens: Sequence[str], region: str) -> str:
    """Return the records of Easy DKIM, and as a comment one for DMARC, which a domain may have.

    https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html
    """
    zone = f"dkim.{region}.amazonses.com" if region in OWN_ZONES else "dkim.amazonses.com"
    return "\n".join(
        (
            *(f"{token}._domainkey.{domain}. 1800 IN CNAME {token}.{zone}." for token in tokens),
            "; Unless the domain has a DMARC record already:",
            f'; _dmarc.{domain}. 1800 IN TXT "v=DMARC1; p=none"',
        )
    )


def covers(domain: str, sender: str) -> bool:
    """Whether an identity of ``domain`` may send as ``sender``: so for all its subdomains."""
    of_sender = sender.rpartition("@")[2].lower()
    return of_sender == domain or of_sender.endswith(f".{domain}")
