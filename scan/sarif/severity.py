"""Maps the level or score of a SARIF result to SonarQube's severities."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from domain.findings import SEVERITIES
from scan.sarif.locations import at
from scan.sarif.rule import Rule, resolved

LEVELS = {"error": "HIGH", "warning": "MEDIUM", "note": "LOW", "none": "INFO"}
# GitHub's ranges of `security-severity`, which are those of CVSS 3.1 (its section 5).
CVSS = ((9.0, "BLOCKER"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.0, "LOW"))
# Semgrep's rules may have a word instead of a number.
WORDS = {"critical": "BLOCKER", "high": "HIGH", "medium": "MEDIUM", "low": "LOW"}
# 3.27.9: kinds without a level of their own; all others are failures.
MILD = {"pass", "notApplicable", "informational", "open", "review"}


def severity(result: Mapping[str, Any], rule: Rule, run: Mapping[str, Any]) -> str:
    """The severity by ``security-severity`` if that is a score above 0, else by the level.

    0 or less means that the score is unknown. A word instead of a score can only raise the severity
    above that of the level.

    Raises:
        ValueError: the level is not one of SARIF's.
    """
    stated = (result.get("properties") or {}).get("security-severity", rule.security_severity)
    by_score = _by_score(stated)
    if by_score is None:
        by_score = _by_score(rule.security_severity)
    if by_score is not None:
        return by_score
    level = _level(result, rule, run)
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(LEVELS)}")
    word = WORDS.get(str(stated).strip().lower(), "INFO")
    return min(word, LEVELS[level], key=SEVERITIES.index)


def _by_score(value: object) -> str | None:
    """The severity for a score, which tools write as a string; None if it is not a score."""
    try:
        score = float(str(value))
    except ValueError:
        return None
    if not isfinite(score):
        return None
    return next((name for least, name in CVSS if score > 0 and score >= least), None)


def _level(result: Mapping[str, Any], rule: Rule, run: Mapping[str, Any]) -> str:
    """The level of the result, else the one configured for the run, else the rule's (3.27.10)."""
    if "level" in result:
        return result["level"]
    if result.get("kind") in MILD:
        return "none"
    levels = [
        (override.get("configuration") or {}).get("level", "warning")
        for invocation in _invocations(result, run)
        for override in invocation.get("ruleConfigurationOverrides") or []
        if _overrides(override["descriptor"], rule, run)
    ]
    known = [level for level in LEVELS if level in levels]
    if known or levels:
        return known[0] if known else levels[0]
    return rule.level or "warning"


def _overrides(descriptor: Mapping[str, Any], rule: Rule, run: Mapping[str, Any]) -> bool:
    """Whether the override ``descriptor`` is for this rule of this component (3.20.5, 3.51)."""
    key = resolved(descriptor, run)
    if -1 in (key[1], rule.key[1]):
        return key == rule.key and descriptor.get("id") == rule.id
    return key == rule.key


def _invocations(result: Mapping[str, Any], run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The invocation that made the result, or all if that is unknown (3.48.6)."""
    invocations = run.get("invocations") or []
    index = (result.get("provenance") or {}).get("invocationIndex")
    named = at(invocations, index)
    return invocations if named is None else [named]
