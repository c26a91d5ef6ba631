"""Merges the parts of a run that the tool stores elsewhere (3.15, 4.1)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from scan.sarif.locations import FILE_URI

# The supported parts; lists may be split into several chunks.
LISTS, SINGLE = ("results", "artifacts", "invocations", "extensions"), "driver"


def load(path: Path) -> Any:
    """The JSON of a file, without nulls: they mean the same as absence (3.6, the defaults)."""
    with path.open(encoding="utf-8-sig") as file:
        return json.load(file, object_pairs_hook=_without_nulls)


def joined(log: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The runs of ``log`` with all their parts; only files in ``folder`` are read.

    Raises:
        ValueError: a part is not available, or belongs to no run.
    """
    inline = [
        dict(inline_external_property)
        for inline_external_property in log.get("inlineExternalProperties") or []
    ]
    runs = [_joined(run, inline, folder) for run in log["runs"]]
    if any(set(LISTS).intersection(run) for run in inline):
        raise ValueError("it holds results inline that no run refers to")
    return runs


def _joined(run: Mapping[str, Any], inline: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    whole = dict(run)
    references = run.get("externalPropertyFileReferences") or {}
    for part in (*LISTS, SINGLE):
        chunks = references.get(part) or []
        for reference in [chunks] if isinstance(chunks, Mapping) else chunks:
            _add(whole, part, _chunk(reference, part, inline, folder))
    guid = (run.get("automationDetails") or {}).get("guid")
    for properties in inline:
        if guid is not None and properties.get("runGuid") == guid:
            for part in LISTS:
                _add(whole, part, properties.pop(part, None))
    return whole


def _add(whole: dict[str, Any], part: str, chunk: Any) -> None:
    if chunk is None:
        return
    if part == SINGLE:
        whole["tool"] = {**whole["tool"], SINGLE: chunk}
    elif part == "extensions":
        whole["tool"] = {**whole["tool"], part: [*(whole["tool"].get(part) or []), *chunk]}
    else:
        whole[part] = [*(whole.get(part) or []), *chunk]


def _chunk(
    reference: Mapping[str, Any], part: str, inline: list[dict[str, Any]], folder: Path
) -> Any:
    if "location" in reference:
        text = str(reference["location"].get("uri", ""))
        match = FILE_URI.fullmatch(text)
        path = (folder / unquote(match[2] if match else text)).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise ValueError(f"its {part} are in {text[:100]!r}, which is not beside it")
        return load(path).get(part)
    for run in inline:
        if part in run and "guid" in reference and run.get("guid") == reference["guid"]:
            return run.pop(part)
    raise ValueError(f"its {part} are elsewhere, and it does not say where")


def _without_nulls(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}
