"""How bad a SARIF result is, in SonarQube's terms."""

from math import isfinite
from typing import Any

from scan.sarif.rule import Rule

LEVELS = {"error": "HIGH", "warning": "MEDIUM", "note": "LOW", "none": "INFO"}
# GitHub's ranges of `security-severity`, which are those of CVSS 3.1 (its section 5).
CVSS = ((9.0, "BLOCKER"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW"))


def severity(result: dict[str, Any], rule: Rule, run: dict[str, Any]) -> str:
    """From ``security-severity`` where there is one, else from the level.

    Raises:
        ValueError: the level is none of SARIF's.
    """
    score = _score((result.get("properties") or {}).get("security-severity"))
    if score is None:
        score = _score(rule.security_severity)
    if score is not None:
        return next((name for least, name in CVSS if score >= least), "INFO")
    level = _level(result, rule, run)
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(LEVELS)}")
    return LEVELS[level]


def _score(value: object) -> float | None:
    """Tools write the number as a string; what is none, as `unknown`, is left to the level."""
    try:
        score = float(str(value))
    except ValueError:
        return None
    return score if isfinite(score) else None


def _level(result: dict[str, Any], rule: Rule, run: dict[str, Any]) -> str:
    """3.27.10: the level; without one, what the run or else the rule has configured."""
    if "level" in result:
        return result["level"]
    if result.get("kind", "fail") != "fail":
        return "none"
    for invocation in run.get("invocations") or []:
        for override in invocation.get("ruleConfigurationOverrides") or []:
            described = override["descriptor"]
            if described.get("id") == rule.id or described.get("index", -2) == rule.index:
                return override["configuration"].get("level", "warning")
    return rule.level or "warning"
