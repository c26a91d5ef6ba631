"""Says where an upload comes from: commit, branch, pull request, author, build, as it claims.

A claim is the object's metadata, which anybody who uploads can set to anything. S3 carries it as
ASCII, so values are percent-encoded UTF-8; plain ones (``--metadata branch=main``) stay readable.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from .json_values import as_dict
from .sanitize import line

MAX_BRANCH, MAX_AUTHOR, MAX_REPOSITORY, MAX_BUILD_URL = 200, 150, 300, 400
# Of each field, its name in the metadata (which S3 returns in lower case) and in the report.
METADATA_NAMES = {
    "repository": "repository",
    "commit": "commit",
    "branch": "branch",
    "pull_request": "pull-request",
    "author": "author",
    "build_url": "build-url",
}
REPORT_NAMES = METADATA_NAMES | {"pull_request": "pullRequest", "build_url": "buildUrl"}
# A host of ASCII, so no look-alike letters; without user information, which may be a password.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::[0-9]{{1,5}})?"
_REPOSITORY = re.compile(rf"{_HOST}(?:/[A-Za-z0-9._~+@%/-]*)?")
_BUILD_URL = re.compile(rf"{_HOST}(?:[/?#][A-Za-z0-9._~!$&'()*+,;=:@%/?#\[\]-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_PULL_REQUEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# By the kind of host, what follows the repository's address. Servers of one's own are recognised
# by their first label; Bitbucket's paths are the same for both of its products.
_PAGES = {
    "github": ("/commit/", "/pull/"),
    "gitlab": ("/-/commit/", "/-/merge_requests/"),
    "bitbucket": ("/commits/", "/pull-requests/"),
    "azure": ("/commit/", "/pullrequest/"),
}


class Origin(NamedTuple):
    """Each value is one line, empty if it is unknown or invalid; all are claims.

    ``repository`` and ``build_url`` are https URLs, ``commit`` is lower-case hex of 7 to 64 digits.
    """

    repository: str = ""
    commit: str = ""
    branch: str = ""
    pull_request: str = ""
    author: str = ""
    build_url: str = ""

    @property
    def commit_url(self) -> str | None:
        """The page of the commit, None if the kind of the repository's host is unknown."""
        pages = _PAGES.get(_kind(self.repository))
        return f"{self.repository}{pages[0]}{self.commit}" if pages and self.commit else None

    @property
    def pull_request_url(self) -> str | None:
        """The page of the pull request, None if its number or the kind of host is unknown."""
        pages = _PAGES.get(_kind(self.repository))
        numbered = re.fullmatch("[0-9]+", self.pull_request)
        return f"{self.repository}{pages[1]}{self.pull_request}" if pages and numbered else None

    @property
    def build_host(self) -> str:
        """The host of the build's page; empty if there is none."""
        return _host(self.build_url)


UNKNOWN = Origin()


def valid(field: str, value: Any) -> str:
    """Return ``value`` as ``Origin.field`` has it, empty if it is no such value."""
    return _VALID[field](value.strip()) if isinstance(value, str) else ""


def of_metadata(metadata: Mapping[str, str]) -> Origin:
    """Return what the metadata of an object in S3 claims."""
    encoded = {field: metadata.get(name, "") for field, name in METADATA_NAMES.items()}
    return Origin(**{field: valid(field, unquote(value)) for field, value in encoded.items()})


def of_document(document: Any) -> Origin:
    """Return what ``upload.origin`` of a report claims; a report is untrusted as well."""
    claimed = as_dict(document)
    return Origin(
        **{field: valid(field, claimed.get(name)) for field, name in REPORT_NAMES.items()}
    )


def metadata(origin: Origin) -> dict[str, str]:
    """Return the metadata that claims ``origin``, without what is unknown."""
    return {
        METADATA_NAMES[field]: quote(value, safe="/:?#[]@!$&'()*+,;=~")
        for field, value in origin._asdict().items()
        if value
    }


def document(origin: Origin) -> dict[str, str]:
    """Return ``upload.origin`` of a report, without what is unknown."""
    return {REPORT_NAMES[field]: value for field, value in origin._asdict().items() if value}


def _host(url: str) -> str:
    match = _BUILD_URL.fullmatch(url)
    return match["host"].lower() if match else ""


def _kind(repository: str) -> str:
    """For example ``github``; empty if it is unknown."""
    host = _host(repository)
    if host == "dev.azure.com" or host.endswith(".visualstudio.com"):
        return "azure"
    kind, dot, _ = host.partition(".")
    return kind if dot and kind in ("github", "gitlab", "bitbucket") else ""


def _url(pattern: re.Pattern[str], limit: int) -> Callable[[str], str]:
    # A URL that was cut would lead elsewhere.
    return lambda value: value if len(value) <= limit and pattern.fullmatch(value) else ""


def _repository(value: str) -> str:
    return _url(_REPOSITORY, MAX_REPOSITORY)(value.rstrip("/").removesuffix(".git"))


def _commit(value: str) -> str:
    return value.lower() if _COMMIT.fullmatch(value.lower()) else ""


def _pull_request(value: str) -> str:
    """GitHub's and GitLab's numbers are often written with a sign: ``#12``, ``!12``."""
    number = value.removeprefix("#").removeprefix("!")
    return number if _PULL_REQUEST.fullmatch(number) else ""


_VALID: dict[str, Callable[[str], str]] = {
    "repository": _repository,
    "commit": _commit,
    "branch": lambda value: line(value, MAX_BRANCH).strip(),
    "pull_request": _pull_request,
    "author": lambda value: line(value, MAX_AUTHOR).strip(),
    "build_url": _url(_BUILD_URL, MAX_BUILD_URL),
}
