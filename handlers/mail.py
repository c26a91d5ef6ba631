"""A letter as a MIME message."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from hashlib import sha256

from handlers.letter import Letter


def message(scan: str, letter: Letter, sender: str, recipients: Sequence[str]) -> bytes:
    """Return the message, to be sent raw.

    SES replaces the Message-ID, so clients thread the mails of one scan by a root that all of them
    name and none of them is
    (https://docs.aws.amazon.com/ses/latest/dg/header-fields.html).
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    root = f"<{_digest(scan)}@{domain}>"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    # EmailMessage would decode what looks like an encoded word (RFC 2047), line breaks included.
    mail["Subject"] = f"[{letter.app}] {letter.outcome.subject}".replace("=?", "= ?")
    mail["Message-ID"] = f"<{_digest(f'{scan} {letter.outcome.event}')}@{domain}>"
    mail["In-Reply-To"] = root
    mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text(), cte="quoted-printable")
    mail.add_alternative(letter.html(), subtype="html", cte="quoted-printable")
    # Folding at 78 may put a long first word on a line of its own, which filters dislike.
    return mail.as_bytes(policy=SMTP.clone(max_line_length=998))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
