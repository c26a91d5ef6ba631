"""Calls SonarQube's web API, with retries and an error code for each kind of failure.

Each server documents its own API, at ``/web_api``.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from scan.errors import ScanError
from scan.job import SonarServer
from scan.log import Log

# The oldest tested version. Since 10.6 pysonar downloads the engine and Java from the server.
OLDEST = (10, 7)
CLOUD = ("sonarcloud.io", "sonarqube.us")
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60
RETRY_AFTER_SECONDS = (1, 3, 9, 27)
TRANSIENT = {429, 500, 502, 503, 504}
ABSENT = {404, 410}


class Api:
    """The API of one server. Methods raise ``ScanError`` if the server cannot be used.

    Transient errors are retried after ``retry_after`` seconds, by default those of
    ``RETRY_AFTER_SECONDS``. ``unsaid`` collects sentences about optional answers that failed.
    """

    def __init__(
        self,
        server: SonarServer,
        log: Log,
        ca_bundle: Path | None,
        retry_after: Sequence[int] | None = None,
    ) -> None:
        self.server, self.log = server, log
        self.unsaid: list[str] = []
        self._retry_after = RETRY_AFTER_SECONDS if retry_after is None else retry_after
        self._session = requests.Session()
        self._verify = str(ca_bundle) if ca_bundle else True
        # An auth object, since in requests a .netrc file overrides a header.
        self._session.auth = self._authorize
        self.is_cloud = (urlsplit(server.url).hostname or "").endswith(CLOUD)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.server.token}"
        return request

    def check(self) -> str:
        """Check that the server is up, new enough, and knows the token; returns its version."""
        if not urlsplit(self.server.url).hostname:
            raise ScanError(
                "NoServer",
                f"{self.server.url!r} is no URL of a SonarQube server.",
                "Set the setting sonarHostUrl, as in https://sonarqube.example.com.",
            )
        # The HTTP client would refuse it as a header, with an error message that shows the token.
        if not (self.server.token.isascii() and self.server.token.isprintable()):
            raise self._bad_token()
        if self.is_cloud and not self.server.organization:
            raise ScanError(
                "NoOrganization",
                "SonarQube Cloud needs to know the organization.",
                "Set the setting sonarOrganization to its key.",
            )
        version = str(self._until_up()["version"])
        numbers = tuple(int(number) for number in version.split(".")[:2] if number.isdigit())
        if numbers < OLDEST and not self.is_cloud:
            raise ScanError(
                "ServerTooOld",
                f"SonarQube {version} is too old; scans need {OLDEST[0]}.{OLDEST[1]} or newer.",
                "Upgrade the server.",
            )
        if not self.get("api/authentication/validate").get("valid"):
            raise self._bad_token()
        return version

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """The JSON object that answers a GET; transient errors are retried."""
        for seconds in (*self._retry_after, None):
            try:
                return self._once(path, parameters)
            except _Passing as passing:
                if seconds is None:
                    raise passing.scan_error from passing
                self.log.write(f"{passing.scan_error.message} Trying again in {seconds} s")
                time.sleep(seconds)
        raise AssertionError("the last try returns or raises")

    def may_get(self, path: str, what: str, **parameters: str | int) -> dict[str, Any] | None:
        """Like ``get``, for data that a scan can do without: None if there is no answer.

        It is expected that the token lacks the permission, or that the server has no such call. Any
        other error is noted in ``unsaid``, with ``what`` the answer would have said.
        """
        try:
            return self.get(path, **parameters)
        except NotFound:
            return None
        except ScanError as scan_error:
            if scan_error.code != "TokenMayNot":
                self.could_not_say(what, scan_error.message)
            return None

    def could_not_say(self, what: str, why: str) -> None:
        """Note in ``unsaid`` that ``what`` is not known."""
        message = f"SonarQube could not say {what}: {why}"
        self.log.write(f"Going on without: {message}")
        self.unsaid.append(message)

    def _until_up(self) -> dict[str, Any]:
        status: dict[str, Any] = {}
        for seconds in (0, *self._retry_after):
            if seconds:
                self.log.write(f"SonarQube is {status.get('status')}; asking again in {seconds} s")
                time.sleep(seconds)
            status = self.get("api/system/status")
            if status.get("status") == "UP":
                return status
        raise ScanError(
            "ServerNotUp",
            f"SonarQube at {self.server.url} is not ready: {status.get('status')}.",
            "Wait until it is up, or look at its log; then upload the zip again.",
        )

    def _once(self, path: str, parameters: dict[str, str | int]) -> dict[str, Any]:
        url = f"{self.server.url}/{path}"
        try:
            answer = self._session.get(
                url,
                params=parameters,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                # Per request: REQUESTS_CA_BUNDLE in the environment overrides the session's value.
                verify=self._verify,
            )
        except requests.exceptions.SSLError as error:
            raise ScanError(
                "TlsFailed",
                f"The certificate of {self.server.url} is not trusted: {_reason(error)}.",
                "Set the setting caBundle to a PEM file of the CA that signed it.",
            ) from error
        except requests.exceptions.ReadTimeout as error:
            raise _Passing(
                "ServerSlow",
                f"SonarQube at {self.server.url} did not answer within {ANSWER_SECONDS} s.",
                "Look at the server's load; then upload the zip again.",
            ) from error
        except requests.exceptions.RequestException as error:
            raise _Passing(
                "ServerUnreachable",
                f"SonarQube at {self.server.url} cannot be reached: {_reason(error)}.",
                "Check that it runs, the setting sonarHostUrl, and the settings of VPC and proxy; "
                "then upload the zip again.",
            ) from error
        return self._read(answer, path)

    def _read(self, answer: requests.Response, path: str) -> dict[str, Any]:
        if answer.status_code in TRANSIENT:
            raise _Passing(
                "ServerUnreachable",
                f"SonarQube at {self.server.url} answers {answer.status_code}.",
                "Look at the server's log; then upload the zip again.",
            )
        if answer.status_code == 401:
            raise self._bad_token()
        if answer.status_code == 403:
            raise ScanError(
                "TokenMayNot",
                f"The token may not use {path}.",
                "Give its user Execute Analysis, Create Projects, and Browse on private projects.",
            )
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ScanError(
                "NotSonarQube",
                f"What answers at {self.server.url} is not SonarQube.",
                "Correct the setting sonarHostUrl.",
            )
        if not answer.ok:
            refused = ScanError(
                "ServerRefused",
                f"SonarQube refused {path}: {answer.status_code} {_said(body)}",
                "Read the build's log; upload the zip again if it looks like a passing error.",
            )
            if answer.status_code in ABSENT:
                raise NotFound(refused.code, refused.message, refused.remediation)
            raise refused
        return body

    def _bad_token(self) -> ScanError:
        return ScanError(
            "BadToken",
            f"SonarQube at {self.server.url} does not know the token; it may have expired.",
            "Make a new one and set it: pulumi config set --secret sonarToken, then `pulumi up`.",
        )


class NotFound(ScanError):
    """The server has no such call, or not the requested object."""


class _Passing(Exception):
    """A transient error; ``scan_error`` is raised if retries do not help."""

    def __init__(self, code: str, message: str, remediation: str) -> None:
        super().__init__(message)
        self.scan_error = ScanError(code, message, remediation)


def _said(body: dict[str, Any]) -> str:
    """The ``msg`` of the first of the ``errors`` in an answer; empty if there is none."""
    try:
        return str(body["errors"][0]["msg"])
    except (KeyError, IndexError, TypeError):
        return ""


def _reason(error: Exception) -> str:
    """The innermost reason, which requests and urllib3 wrap in further messages."""
    text = str(error.args[0] if error.args else error)
    return text.rsplit(": ", 1)[-1].rstrip(")'\"").strip() or type(error).__name__
