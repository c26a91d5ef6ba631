"""Ids of scans, ``<app>/<version id>``, in letters that buttons, keys and commands take."""

import re

APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# S3's version ids have 1,024 bytes at most; a version that is scanned again has a number behind it.
SCAN_ID = re.compile(rf"{APP.pattern}/[A-Za-z0-9._-]{{1,1024}}")
