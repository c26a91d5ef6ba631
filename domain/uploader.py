"""Says who uploaded: as S3 recorded it, and apart from that what the upload says of itself.

S3's own notification has the id of the principal who called it, which is ``AWS:`` and that
principal's ``aws:userid``: a role's id and the name of the session, or an IAM user's id
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable).
Other principals have other ids, for example that of the customer for an account's root user.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .email_address import address
from .report import Report

NOT_RECORDED = "not recorded"
# The first characters of ids
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
ROLE, USER = "AROA", "AIDA"


class Uploader(NamedTuple):
    """``principal_id`` is S3's, empty if it is not recorded; ``claim`` is an address, or empty.

    S3 vouches for the principal. A session's name was chosen by who assumed the role, or for
    single sign-on by the identity provider. The claim is the object's metadata ``uploader``, which
    anybody can set to anything. All of it is untrusted text.
    """

    principal_id: str
    claim: str

    @property
    def address(self) -> str:
        """The name of the role's session if it is an email address, else an empty string."""
        return address(self._session) if self._principal.startswith(ROLE) else ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the uploader, the recorded one before the claimed one."""
        return tuple(filter(None, (self.address, self.claim)))

    @property
    def ids(self) -> tuple[str, ...]:
        """The recorded id of the principal, whole and in its parts: role or user, and session."""
        return tuple(filter(None, (self.principal_id, self._principal, self._session)))

    @property
    def other_claim(self) -> str:
        """The claim, empty if it says the same as the record."""
        return "" if self.claim.casefold() == self.address.casefold() else self.claim

    def __str__(self) -> str:
        """For example ``ada@example.com (role AROA...)`` or ``IAM user AIDA...``."""
        principal, session = self._principal, self._session
        if not principal:
            return NOT_RECORDED
        if self.address:
            return f"{session} (role {principal})"
        if principal.startswith(ROLE) and session:
            return f"role {principal}, session {session}"
        if principal.startswith(USER) and not session:
            return f"IAM user {principal}"
        return self.principal_id

    @property
    def _principal(self) -> str:
        return self.principal_id.removeprefix("AWS:").partition(":")[0]

    @property
    def _session(self) -> str:
        return self.principal_id.removeprefix("AWS:").partition(":")[2]


def of(recorded: Mapping[str, Any] | None, report: Report | None) -> Uploader:
    """Return who uploaded, by ``uploader.json`` and the report, each None if there is none."""
    return Uploader(
        principal_id=recorded["principalId"] if recorded else "",
        claim=report.uploader if report else "",
    )
