"""Errors of commands, each with what a person can do to fix it."""

import os

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as AWSConnectionError
from botocore.parsers import ResponseParserError

from domain.stored_objects import error_code

NETWORK = "check the network, the region, and AWS_ENDPOINT_URL"
LOGIN = "log in (as in: aws sso login), or set AWS_PROFILE"
RIGHTS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
# Each service has its own code for credentials that have expired or are wrong.
STALE = (
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId",
    "InvalidToken", "UnrecognizedClientException", "SignatureDoesNotMatch",
    "InvalidSignatureException",
)  # fmt: skip
UNKNOWN = (
    NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError,
    SSOError, ProfileNotFound,
)  # fmt: skip
THROTTLED = (
    "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout",
    "TooManyRequestsException",
)  # fmt: skip


class CommandError(Exception):
    """``what`` is wrong and why, ``fix`` what to do about it; ``code`` is the exit code.

    1 says that a question was answered with no, 2 that it could not be answered.
    """

    def __init__(self, what: str, fix: str = "", code: int = 2) -> None:
        super().__init__(what)
        self.what, self.fix, self.code = what, fix, code


def understood(error: Exception) -> CommandError | None:
    """Return what a person is told about ``error``, None if it is an error of this program."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, BotoCoreError | ClientError):
        return of_aws(error)
    # What boto3 raises besides its own errors.
    if isinstance(error, ResponseParserError):
        return of_a_stranger(str(error)[:200])
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return CommandError(str(error), "set AWS_ENDPOINT_URL to an address with https://, or not")
    token = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if isinstance(error, OSError) and token and error.filename == token:
        return CommandError(
            f"the token of your role cannot be read: {error}", "correct AWS_WEB_IDENTITY_TOKEN_FILE"
        )
    return None


def of_a_stranger(why: str) -> CommandError:
    """Return the error for a response that AWS did not send."""
    return CommandError(
        f"the response is not one of AWS: {why}",
        f"{NETWORK}; a proxy, or a network that wants a login, may have sent it",
    )


def is_temporary(error: BotoCoreError | ClientError) -> bool:
    """Whether the same call may soon succeed: the network failed, or AWS throttles or failed."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error_code(error) in THROTTLED
    return isinstance(error, AWSConnectionError | HTTPClientError | IncompleteReadError)


def of_aws(error: BotoCoreError | ClientError) -> CommandError:
    """Return ``error`` with its cause and fix for the person who ran the command."""
    if isinstance(error, ClientError):
        code, call = error_code(error), error.operation_name
        what = f"AWS refused {call}: {error.response.get('Error', {}).get('Message') or code}"
        if code in RIGHTS:
            return CommandError(
                what, f"ask for the right to call {call}, or use another AWS_PROFILE"
            )
        if code in STALE:
            return CommandError(what, LOGIN)
        if code.startswith(("NoSuch", "ResourceNotFound", "404")):
            return CommandError(what, "is this the right stack, and the right account?")
        return CommandError(what, "try again; if it lasts, look up the message")
    if isinstance(error, UNKNOWN):
        return CommandError(f"AWS does not know who you are: {error}", LOGIN)
    if isinstance(error, NoRegionError):
        return CommandError("no AWS region is set", "set AWS_REGION")
    if isinstance(error, InvalidRegionError):
        return CommandError(str(error), "set AWS_REGION, as in eu-central-1")
    if isinstance(error, AWSConnectionError):
        return CommandError(str(error), NETWORK)
    return CommandError(f"AWS error: {error}", "try again")
