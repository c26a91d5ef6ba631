"""Ids of scans, ``<app>/<version id>``, of characters that are safe in keys and commands."""

import re

APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Several apps, by the beginning of their names.
APPS = re.compile(rf"{APP.pattern}\*?|\*")
# S3's version ids have at most 1,024 bytes; ids of further attempts have a number appended.
SCAN_ID = re.compile(rf"{APP.pattern}/[A-Za-z0-9._-]{{1,1024}}")
# The suffix after the version: empty for the first attempt, then its number.
ATTEMPT = re.compile(r"|\.([2-9]|[1-9][0-9]{1,8})")
# The app of an upload whose key has no valid app name. The state machine has the same rule.
INVALID_KEY = "invalid-key"


def scan_id(app: str, version: str, attempt: int = 1) -> str:
    """Return the id of the scan of an uploaded version; ``attempt`` counts from 1."""
    return f"{app}/{version}" + (f".{attempt}" if attempt > 1 else "")


def app_of(key: str) -> str:
    """Return the app of an upload's key: ``payments`` of payments/a.zip and of payments.zip.

    A folder's name counts as it is: who may upload to payments.zip/ is not an uploader of payments.
    """
    folder, is_below, _ = key.partition("/")
    name = folder if is_below else key.removesuffix(".zip")
    return name if APP.fullmatch(name) else INVALID_KEY
