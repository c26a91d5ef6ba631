"""Recognises email addresses that are safe in headers and that mail servers take as they are.

RFC 5321: a dot-string (4.1.2) of the characters that are common in addresses, and a host name of
letters, digits and hyphens (RFC 1123, 2.1) with a letter in its last label; lengths by 4.5.3.1.
Other characters are refused: some mail servers relay addresses with `%` or `!`.
"""

import re
from typing import Any

_WORD, _LABEL = r"[A-Za-z0-9_+'-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?=.{{1,64}}@)(?=.{{1,254}}\Z){_WORD}(?:\.{_WORD})*"
    rf"@(?:{_LABEL}\.)+(?=[^.]*[A-Za-z]){_LABEL}"
)


def address(value: Any) -> str:
    """Return ``value`` if it is an email address, else an empty string."""
    return value if isinstance(value, str) and _ADDRESS.fullmatch(value) else ""
