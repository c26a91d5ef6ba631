"""Semgrep's own JSON beside its SARIF, the only place where it says which files it scanned."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scan.sarif.external import load
from scan.sarif.place import Places

SUFFIX = ".json"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What it scanned; what it could not, with its reason; and ``messages``, those it named."""

    analysed: frozenset[str]
    unread: Mapping[str, str]
    incomplete: tuple[str, ...]
    messages: frozenset[str]


def told(sarif: Path, places: Places) -> Told | None:
    """What is in ``<sarif>.json``, made by ``--json-output={sarif}.json``; None without one.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not what Semgrep writes.
    """
    path = sarif.with_name(sarif.name + SUFFIX)
    if not path.is_file():
        return None
    json = load(path)
    analysed = {file for each in json["paths"]["scanned"] for file in places.path(str(each))[:1]}
    unread: dict[str, str] = {}
    incomplete: list[str] = []
    messages = set()
    for error in json["errors"]:
        text = " ".join(str(error.get("message") or error.get("type")).split())
        messages.add(text)
        files = {file for each in _paths(error) for file in places.path(each)}
        unread |= dict.fromkeys(files, text)
        if not files:
            incomplete.append(text)
    for rule in json.get("skipped_rules") or []:
        incomplete.append(f"a rule was not run: {rule}"[:200])
    return Told(
        analysed=frozenset(analysed),
        unread=unread,
        incomplete=tuple(incomplete),
        messages=frozenset(messages),
    )


def _paths(error: Mapping[str, Any]) -> set[str]:
    spans = [each.get("file") for each in error.get("spans") or []]
    return {str(each) for each in (error.get("path"), *spans) if each}
