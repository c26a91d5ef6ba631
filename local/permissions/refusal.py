"""The answer to a request that IAM does not allow, as each service words it."""

import json
import uuid
from typing import Any, NamedTuple

from local.permissions.call import Access


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


# The protocols' errors are those of the services' models in botocore.
_XML = {"s3": ("403 Forbidden", "AccessDenied"), "sns": ("403 Forbidden", "AuthorizationError")}
_FORBIDDEN = ("lambda", "ses")


def answer(service: str, denied: Denied) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers and body."""
    status, code = "400 Bad Request", "AccessDeniedException"
    request_id = str(uuid.uuid4())
    if service in _XML:
        status, code = _XML[service]
        error = f"<Code>{code}</Code><Message>{_escaped(str(denied))}</Message>"
        request = f"<RequestId>{request_id}</RequestId>"
        text = (
            f"<Error>{error}{request}</Error>"
            if service == "s3"
            else f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error>{request}"
            "</ErrorResponse>"
        )
        kind = "application/xml"
    else:
        if service in _FORBIDDEN:
            status = "403 Forbidden"
        text = json.dumps({"__type": code, "message": str(denied), "Message": str(denied)})
        kind = "application/json"
    headers: list[tuple[str, Any]] = [
        ("Content-Type", kind),
        ("x-amzn-errortype", code),
        ("x-amzn-requestid", request_id),
        ("Content-Length", str(len(text.encode()))),
    ]
    return status, headers, text.encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
