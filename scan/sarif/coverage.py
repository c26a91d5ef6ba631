"""What the tools say they analysed, held in the words of ``Seen``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scan.finding import Seen
from scan.language import kind_of
from scan.sarif import semgrep
from scan.sarif.message import message
from scan.sarif.notifications import UNREAD, troubles
from scan.sarif.output import Heard
from scan.sarif.place import Places, at, uri
from scan.sarif.recipes import Recipe

Json = Mapping[str, Any]


def seen_by(run: Json, recipe: Recipe | None, places: Places, heard: Heard, sarif: Path) -> Seen:
    """What one run says, in SARIF, in its output, and in files beside."""
    unread, incomplete = troubles(run, places, recipe)
    analysed = _analysed(run, recipe, places)
    if recipe:
        unread |= _unparsed(run, recipe, places)
    if recipe and recipe.output:
        analysed = analysed if analysed is not None else _listed(heard, places)
        for path, reason in heard.unread.items():
            files = places.path(path)
            unread |= dict.fromkeys(files, reason)
            if not files:
                incomplete[f"{path}: {reason}"] = None
        incomplete |= heard.troubles
    if recipe and recipe.own_json and (told := semgrep.told(sarif, places)):
        analysed = told.analysed
        unread |= told.unread
        incomplete = {each: None for each in incomplete if each not in told.messages}
        incomplete |= dict.fromkeys(told.incomplete)
    return Seen(
        analysed=analysed,
        languages=recipe.languages if recipe else None,
        names=recipe.names if recipe else ("*",),
        unread=unread,
        incomplete=tuple(incomplete),
    )


def together(all_seen: Sequence[Seen], source: Path) -> Seen:
    """What all runs of one SARIF say: a file is analysed where one of them read it."""
    if len(all_seen) == 1:
        return all_seen[0]
    languages = [each.languages for each in all_seen]
    is_silent = all(each.analysed is None for each in all_seen)
    names = [name for each in all_seen for name in each.names]
    analysed = (
        None
        if is_silent and len({each.names for each in all_seen}) == 1
        else frozenset().union(*(_read(each, source) for each in all_seen))
    )
    return Seen(
        analysed=analysed,
        languages=None if None in languages else frozenset().union(*filter(None, languages)),
        names=tuple(dict.fromkeys(names)),
        unread={file: why for each in all_seen for file, why in each.unread.items()},
        incomplete=tuple(dict.fromkeys(text for each in all_seen for text in each.incomplete)),
    )


def _read(seen: Seen, source: Path) -> frozenset[str]:
    """The files that a run has read by what it says, or else by what it could."""
    if seen.analysed is not None:
        return seen.analysed
    read = set()
    for path in (each for each in source.rglob("*") if each.is_file()):
        kind = kind_of(path, path.name)
        is_known = seen.languages is None or bool(kind.tags & seen.languages)
        if kind.is_text and is_known and any(fnmatchcase(path.name, each) for each in seen.names):
            read.add(path.relative_to(source).as_posix())
    return frozenset(read)


def _analysed(run: Json, recipe: Recipe | None, places: Places) -> frozenset[str] | None:
    """Bandit tells by its metrics per file, others by artifacts with a role (3.24.6).

    None where the run does not say. What could be one of two files is none.
    """
    metrics = (run.get("properties") or {}).get("metrics")
    if isinstance(metrics, Mapping) and "_totals" in metrics:
        found = [places.path(str(each)) for each in metrics if each != "_totals"]
        return frozenset(files[0] for files in found if len(files) == 1)
    # 3.24.3: one that lies in another one is no file of the upload.
    artifacts = [each for each in run.get("artifacts") or [] if each.get("parentIndex", -1) == -1]
    targets = [each for each in artifacts if "analysisTarget" in (each.get("roles") or [])]
    if recipe and recipe.artifacts:
        targets = artifacts
    elif not targets:
        return None
    found = [places.files(uri(each.get("location") or {}, run)) for each in targets]
    return frozenset(files[0] for files in found if len(files) == 1)


def _listed(heard: Heard, places: Places) -> frozenset[str] | None:
    found = [places.path(each) for each in heard.analysed]
    return frozenset(files[0] for files in found if len(files) == 1) if found else None


def is_unparsed(result: Json, recipe: Recipe | None) -> bool:
    """Whether a result says that its file was not analysed at all."""
    return recipe is not None and result.get("ruleId") in recipe.unparsed


def _unparsed(run: Json, recipe: Recipe, places: Places) -> dict[str, str]:
    return {
        file: message(result.get("message") or {}) or UNREAD
        for result in run.get("results") or []
        if is_unparsed(result, recipe)
        for location in [at(result.get("locations") or [], 0) or {}]
        for file in places.files(places.text(location, run))
    }


def without(seen: Seen, unread: Mapping[str, str]) -> Seen:
    """``seen``, but for the files that the tool never got."""
    return replace(seen, unread={**seen.unread, **unread})
