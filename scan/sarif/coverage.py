"""Collects in ``Seen`` which files the tools analysed, from SARIF, output and their own JSON."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scan.finding import Seen
from scan.ledger import NOT_READ
from scan.sarif import semgrep
from scan.sarif.encoding import unreadable
from scan.sarif.locations import Locations, at, uri
from scan.sarif.message import message
from scan.sarif.notifications import UNREAD, problems
from scan.sarif.output import OutputNotes
from scan.sarif.recipes import Recipe, words

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """One call of a tool: its command, its SARIF file, notes of its output."""

    command: str
    sarif: Path
    notes: OutputNotes


def seen_by(run: Json, recipe: Recipe | None, locations: Locations, call: ToolCall) -> Seen:
    """What one run analysed, by its SARIF, the tool's output, and the tool's own JSON file."""
    unread, incomplete = problems(run, locations, recipe)
    seen = Seen(
        analysed=_analysed(run, recipe, locations),
        languages=recipe.languages if recipe and recipe.purpose == "code" else None,
        unread=unread,
        incomplete=incomplete,
    )
    if recipe is None:
        return seen
    seen = replace(seen, names=recipe.names, unread={**unread, **_unparsed(run, recipe, locations)})
    if recipe.leaves_out and not recipe.leaves_out_unless.intersection(words(call.command)):
        left_out = [
            file
            for file in locations.named(recipe.names)
            if recipe.leaves_out.intersection(file.split("/")[:-1])
        ]
        seen = without(seen, dict.fromkeys(left_out, NOT_READ))
    if recipe.output:
        seen = _with_output(seen, recipe.output, call.notes, locations)
    if recipe.own_json:
        seen = semgrep.with_own_json(seen, call.sarif, locations)
    if recipe.utf8:
        read = locations.named(recipe.names) if seen.analysed is None else seen.analysed
        seen = without(seen, unreadable(locations.source, read))
    return seen


def _with_output(
    seen: Seen, output: re.Pattern[str], notes: OutputNotes, locations: Locations
) -> Seen:
    analysed, unread, incomplete = seen.analysed, dict(seen.unread), list(seen.incomplete)
    if "analysed" in output.groupindex:
        analysed = _certain(locations.path(file_name) for file_name in notes.analysed)
    for path, reason in notes.unread.items():
        files = locations.path(path)
        unread |= dict.fromkeys(files, reason)
        if not files:
            incomplete.append(f"{path}: {reason}")
    return replace(
        seen, analysed=analysed, unread=unread, incomplete=(*incomplete, *notes.problems)
    )


def _analysed(run: Json, recipe: Recipe | None, locations: Locations) -> frozenset[str] | None:
    """The analysed files: in Bandit's metrics per file, else artifacts with a role (3.24.6).

    None if the run does not say. Paths that could mean two files are left out.
    """
    metrics = (run.get("properties") or {}).get("metrics")
    if isinstance(metrics, Mapping) and "_totals" in metrics:
        return _certain(locations.path(str(metric)) for metric in metrics if metric != "_totals")
    # 3.24.3: an artifact inside of another one is not a file of the upload.
    artifacts = [
        artifact for artifact in run.get("artifacts") or [] if artifact.get("parentIndex", -1) == -1
    ]
    # A folder as a target does not show which of its files were analysed.
    targets = [
        artifact
        for artifact in artifacts
        if "analysisTarget" in (artifact.get("roles") or [])
        and "directory" not in artifact["roles"]
    ]
    if recipe and recipe.artifacts:
        targets = artifacts
    elif not targets:
        return None
    return _certain(locations.files(uri(target.get("location") or {}, run)) for target in targets)


def _certain(candidates: Iterable[tuple[str, ...]]) -> frozenset[str]:
    """The files that are named without ambiguity."""
    return frozenset(files[0] for files in candidates if len(files) == 1)


def is_unparsed(result: Json, recipe: Recipe | None) -> bool:
    """Whether a result means that its file was not analysed at all."""
    return recipe is not None and result.get("ruleId") in recipe.unparsed


def _unparsed(run: Json, recipe: Recipe, locations: Locations) -> dict[str, str]:
    return {
        file: message(result.get("message") or {}) or UNREAD
        for result in run.get("results") or []
        if is_unparsed(result, recipe)
        for location in [at(result.get("locations") or [], 0) or {}]
        for file in locations.files(locations.text(location, run))
    }


def without(seen: Seen, unread: Mapping[str, str]) -> Seen:
    """``seen`` with further unread files and their reasons."""
    return replace(seen, unread={**seen.unread, **unread})
