"""Reads Semgrep's own JSON, since its SARIF does not say which files it scanned."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scan.finding import Seen
from scan.sarif.external import load
from scan.sarif.locations import Locations
from scan.sarif.message import LONGEST

OPTION = "--json-output={sarif}.json"
# By default it leaves out some folders and large files, which its SARIF does not mention.
MISSING = f"Semgrep's SARIF does not say which files it scanned: add {OPTION} to its command"


def with_own_json(seen: Seen, sarif: Path, locations: Locations) -> Seen:
    """``seen`` with what ``<sarif>.json`` adds to it.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not in Semgrep's format.
    """
    path = sarif.with_name(f"{sarif.name}.json")
    if not path.is_file():
        return replace(seen, incomplete=(*seen.incomplete, MISSING))
    output = load(path)
    unread = dict(seen.unread)
    # The JSON names a file for some errors that have none in the SARIF.
    incomplete = dict.fromkeys(seen.incomplete)
    for error in output["errors"]:
        text = " ".join(str(error.get("message") or error.get("type")).split())[:LONGEST]
        files = {file for path in _paths(error) for file in locations.path(path)}
        unread |= dict.fromkeys(files, text)
        if files:
            incomplete.pop(text, None)
        else:
            incomplete[text] = None
    for rule in output.get("skipped_rules") or []:
        incomplete[f"Semgrep did not run a rule: {rule}"] = None
    return replace(
        seen,
        analysed=frozenset(
            file
            for scanned in output["paths"]["scanned"]
            for file in locations.path(str(scanned))[:1]
        ),
        unread=unread,
        incomplete=tuple(incomplete),
    )


def _paths(error: Mapping[str, Any]) -> set[str]:
    spans = [span.get("file") for span in error.get("spans") or []]
    return {str(reported) for reported in (error.get("path"), *spans) if reported}
