"""Reads SARIF 2.1.0 of any tool; section numbers are those of the OASIS standard."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.findings import Finding, IgnoredSetting
from scan.errors import ScanError
from scan.finding import Analysis, counts
from scan.fingerprints import Reported, identified
from scan.language import kinds_below
from scan.sarif import coverage
from scan.sarif.external import joined, load
from scan.sarif.locations import Locations, at, last_line
from scan.sarif.message import message
from scan.sarif.notifications import READ_THE_LOG, check_success
from scan.sarif.output import OutputNotes
from scan.sarif.recipes import Recipe, named, of_driver
from scan.sarif.rule import Rule, rule_of
from scan.sarif.severity import severity
from scan.union import union

Json = Mapping[str, Any]
MALFORMED = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError
)  # fmt: skip


def read(
    sarif: Path,
    *,
    source: Path,
    folder: Path,
    ignored: Sequence[IgnoredSetting] = (),
    in_source: bool = False,
    command: str = "",
    notes: OutputNotes | None = None,
) -> Analysis:
    """The analysis in the file ``sarif`` of a tool that ran in ``folder`` on ``source``.

    ``in_source`` says whether comments in the code may suppress findings; ``notes`` are about files
    in the output of the tool, which ``command`` ran.

    Raises:
        ScanError: it is not SARIF 2.1.0, or reports that the tool failed or did not begin.
    """
    call = coverage.ToolCall(command=command, sarif=sarif, notes=notes or OutputNotes())
    recipes = named(command)
    try:
        log = load(sarif)
        if log["version"] != "2.1.0":
            raise ValueError(f"its version is {log['version']!r} and not '2.1.0'")
        _check_runs(log)
        runs = [(run, _recipe(run, recipes)) for run in joined(log, sarif.parent)]
        for run, recipe in runs:
            check_success(run, recipe)
            _check_begun(run)
        locations = Locations(source, folder)
        reported = [
            item for run, recipe in runs for item in _reported(run, recipe, locations, in_source)
        ]
        seen = [coverage.seen_by(run, recipe, locations, call) for run, recipe in runs]
        drivers = [run["tool"]["driver"] for run, _ in runs]
        lines = [_lines(run) for run, _ in runs]
        known = identified(reported, source)
        return Analysis(
            engine=", ".join(dict.fromkeys(str(driver["name"]) for driver in drivers)),
            version=", ".join(dict.fromkeys(_version(driver) for driver in drivers)),
            seen=union(seen, kinds_below(source) if len(seen) > 1 else {}),
            lines=None if None in lines else max(row or 0 for row in lines),
            counts=counts(known.findings),
            findings=known.findings,
            contents=known.contents,
            ignored=ignored,
            weaknesses={item.finding.rule: item.weaknesses for item in reported},
        )
    except MALFORMED as error:
        why = f"{type(error).__name__}: {error}"[:300]
        raise ScanError(
            "InvalidSarif", f"The tool's SARIF cannot be read: {why}.", READ_THE_LOG
        ) from (error)


def _check_runs(log: Json) -> None:
    """3.13.4: runs are empty if there was nothing to run, and null if they are not available."""
    if not log.get("runs"):
        raise ScanError(
            "NothingAnalysed",
            "The tool's SARIF holds no run: nothing was scanned.",
            READ_THE_LOG,
        )


def _check_begun(run: Json) -> None:
    """Appendix I and 3.14.23: ``results`` are [] without findings, absent if it did not begin."""
    if "results" not in run:
        raise ScanError(
            "NothingAnalysed",
            f"{run['tool']['driver']['name']} did not begin: its SARIF holds no results, "
            "not even an empty list of them.",
            READ_THE_LOG,
        )


def _recipe(run: Json, recipes: Sequence[Recipe]) -> Recipe | None:
    return of_driver(str(run["tool"]["driver"]["name"]), recipes)


def _reported(
    run: Json, recipe: Recipe | None, locations: Locations, in_source: bool
) -> Iterator[Reported]:
    rules: dict[tuple[object, object], Rule] = {}
    for result in run["results"]:
        if not _stands(result, in_source) or coverage.is_unparsed(result, recipe):
            continue
        rule = _rule(result, run, rules)
        location = at(result.get("locations") or [], 0) or {}
        file, line = locations.of(location, run)
        texts = (rule.texts, rule.component_texts)
        finding = Finding(
            rule=rule.id,
            severity=(recipe and recipe.severity_of(rule.id)) or severity(result, rule, run),
            message=message(result.get("message") or {}, *texts) or rule.title or rule.id,
            file=file,
            line=line,
            link=rule.link,
        )
        others = locations.files(locations.text(location, run))[1:]
        aliases = recipe.aliases.of(rule.id) if recipe and recipe.aliases else set[str]()
        yield Reported(
            finding,
            last_line(location),
            _own_fingerprint(result),
            others,
            rule.weaknesses | aliases,
        )


def _own_fingerprint(result: Json) -> str:
    """3.27.16 and 3.27.17; Semgrep's "requires login" is one that tells nothing apart."""
    own = [result.get(name) for name in ("fingerprints", "partialFingerprints")]
    return json.dumps(own, sort_keys=True) if any(own) else ""


def _rule(result: Json, run: Json, known: dict[tuple[object, object], Rule]) -> Rule:
    """The rule of ``result``, from ``known`` if possible: many results share few rules."""
    if "rule" in result:
        return rule_of(result, run)
    key = (result.get("ruleId"), result.get("ruleIndex"))
    if key not in known:
        known[key] = rule_of(result, run)
    return known[key]


def _stands(result: Json, in_source: bool) -> bool:
    """Whether a result is a finding: something failed, is there now, and is not suppressed."""
    if result.get("kind") in {"pass", "notApplicable"}:  # 3.27.9
        return False
    if result.get("baselineState") == "absent":  # 3.27.24
        return False
    # 3.27.23 and 3.35: suppressed unless a suppression is under review or rejected. Comments in the
    # code are the uploader's, so they count only where exclusions are allowed.
    suppressions = result.get("suppressions") or []
    return not suppressions or not all(
        suppression.get("status", "accepted") == "accepted"
        and (in_source or suppression.get("kind") == "external")
        for suppression in suppressions
    )


def _version(driver: Json) -> str:
    return str(driver.get("semanticVersion") or driver.get("version") or "unknown")


def _lines(run: Json) -> int | None:
    metrics = (run.get("properties") or {}).get("metrics")
    if isinstance(metrics, Mapping) and "_totals" in metrics:
        return int(metrics["_totals"]["loc"])
    return None
