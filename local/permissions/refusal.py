"""Answers that are errors, as each service words them: above all that IAM does not allow a call."""

import json
import traceback
import uuid
from pathlib import Path
from typing import NamedTuple

from local.permissions.call import Access

# Status, headers and body.
Response = tuple[str, list[tuple[str, str]], bytes]


class Denied(NamedTuple):
    """``explicit`` if a statement denies the access, else no statement allows it."""

    principal: str
    access: Access
    explicit: bool

    def __str__(self) -> str:
        """The message (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)."""
        access = self.access
        on = "" if access.resource == "*" else f" on resource: {access.resource}"
        why = (
            "with an explicit deny"
            if self.explicit
            else f"because no policy allows the {access.action} action"
        )
        return f"User: {self.principal} is not authorized to perform: {access.action}{on} {why}"


_REFUSED = {
    "s3": ("403 Forbidden", "AccessDenied"),
    "sns": ("403 Forbidden", "AuthorizationError"),
    **dict.fromkeys(("lambda", "ses"), ("403 Forbidden", "AccessDeniedException")),
}


def refused(service: str, denied: Denied) -> Response:
    """The answer to a request that is not allowed."""
    status, code = _REFUSED.get(service, ("400 Bad Request", "AccessDeniedException"))
    return error(service, status, code, str(denied))


def failed(service: str, cause: Exception) -> Response:
    """The answer to a request that this account could not serve, which ends the connection.

    It may have been read or not; to read it again would wait for bytes that never come.
    """
    # A parser of XML refuses control characters.
    text = "".join(character for character in repr(cause) if character.isprintable())
    where = traceback.extract_tb(cause.__traceback__)[-1]
    message = f"{text} in {Path(where.filename).name}, line {where.lineno}"
    status, headers, body = error(service, "500 Internal Server Error", "InternalError", message)
    return status, [*headers, ("Connection", "close")], body


def error(service: str, status: str, code: str, message: str) -> Response:
    """An error in the service's protocol, as its model in botocore has it."""
    request_id = str(uuid.uuid4())
    if service in ("s3", "sns", "iam", "sts"):
        kind, request = "application/xml", f"<RequestId>{request_id}</RequestId>"
        details = f"<Code>{code}</Code><Message>{_escaped(message)}</Message>"
        text = (
            f"<Error>{details}{request}</Error>"
            if service == "s3"
            else f"<ErrorResponse><Error><Type>Sender</Type>{details}</Error>{request}"
            "</ErrorResponse>"
        )
    else:
        kind = "application/json"
        text = json.dumps({"__type": code, "message": message, "Message": message})
    headers = [
        ("Content-Type", kind),
        ("x-amzn-errortype", code),
        ("x-amzn-requestid", request_id),
        ("Content-Length", str(len(text.encode()))),
    ]
    return status, headers, text.encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
