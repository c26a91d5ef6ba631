"""Ids of scans, ``<app>/<version id>``, in letters that buttons, keys and commands take."""

import re

APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# S3's version ids have 1,024 bytes at most; a version that is scanned again has a number behind it.
SCAN_ID = re.compile(rf"{APP.pattern}/[A-Za-z0-9._-]{{1,1024}}")
# What follows the version in the id of a scan: nothing at first, then the number of the attempt.
ATTEMPT = re.compile(r"|\.([2-9]|[1-9][0-9]{1,8})")


def scan_id(app: str, version: str, attempt: int) -> str:
    """Return the id of the scan that is attempt ``attempt``, from 1, at an uploaded version."""
    return f"{app}/{version}" + (f".{attempt}" if attempt > 1 else "")
