"""Checks URLs of settings."""

import re
from urllib.parse import urlsplit

_WEB = re.compile(r"https?://[^\s/?#]+\S*")


def problem(url: str) -> str:
    """Return what is wrong with ``url`` as the address of a server, empty if nothing is.

    A password would be shown wherever the URL is: in the state, in the build's variables, in links
    on cards. A query or a fragment would end up in the middle of the URLs that are made from it.
    The result never contains the URL, which may have a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not a URL"
    if not _WEB.fullmatch(url) or not parts.hostname:
        return "is not a URL that begins with http:// or https://"
    if "@" in parts.netloc:
        return "has a user name or password, which everybody would see"
    if "?" in url or "#" in url:
        return "has a query or fragment"
    return ""
