"""Builds an email as a MIME message."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from hashlib import sha256

from handlers.email_body import EmailBody


def message(scan: str, email_body: EmailBody, sender: str, recipients: Sequence[str]) -> bytes:
    """Return the raw message.

    SES replaces the Message-ID, so clients thread the emails of a scan by a common root in
    References, which is not itself an email
    (https://docs.aws.amazon.com/ses/latest/dg/header-fields.html).
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    root = f"<{_sha256(scan)}@{domain}>"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    # EmailMessage would decode encoded words (RFC 2047) in untrusted text, even line breaks.
    mail["Subject"] = f"[{email_body.app}] {email_body.outcome.subject}".replace("=?", "= ?")
    mail["Message-ID"] = f"<{_sha256(f'{scan} {email_body.outcome.event}')}@{domain}>"
    mail["In-Reply-To"] = root
    mail["References"] = root
    # No replies by machines (RFC 3834). Exchange has a field of its own ([MS-OXCMAIL] 2.1.3.2.20);
    # "All" would also suppress the reports of failed delivery, which SES counts as bounces.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail.set_content(email_body.text(), cte="quoted-printable")
    mail.add_alternative(email_body.html(), subtype="html", cte="quoted-printable")
    # Folding at 78 characters can leave a header's first line empty, which spam filters dislike.
    return mail.as_bytes(policy=SMTP.clone(max_line_length=998))


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
