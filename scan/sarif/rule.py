"""Finds the rule of a SARIF result (3.49, 3.52)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a tool says about a rule; ``index`` is its place in the component that defines it."""

    id: str
    index: int
    title: str
    link: str | None
    level: str | None
    security_severity: object
    texts: dict[str, Any]


def rule_of(result: dict[str, Any], run: dict[str, Any]) -> Rule:
    """The rule of ``result``; empty but for its id where the tool does not describe it."""
    reference = result.get("rule") or {}
    rules = _component(reference.get("toolComponent") or {}, run).get("rules") or []
    rule_id = str(result.get("ruleId") or reference.get("id") or "")
    index = result.get("ruleIndex", reference.get("index", -1))
    if not 0 <= index < len(rules):
        index = next((at for at, each in enumerate(rules) if _names(rule_id, each["id"])), -1)
    described = rules[index] if index >= 0 else {}
    properties = described.get("properties") or {}
    link = described.get("helpUri")
    return Rule(
        id=rule_id or str(described.get("id") or "unknown"),
        index=index,
        title=(described.get("shortDescription") or {}).get("text", ""),
        link=link if str(link).startswith(("https://", "http://")) else None,
        level=(described.get("defaultConfiguration") or {}).get("level"),
        security_severity=properties.get("security-severity"),
        texts=described.get("messageStrings") or {},
    )


def _component(reference: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """3.54: rules are the driver's, or those of the extension that the reference names."""
    extensions = run["tool"].get("extensions") or []
    index = reference.get("index", -1)
    if 0 <= index < len(extensions):
        return extensions[index]
    for key in ("guid", "name"):
        for extension in extensions:
            if key in reference and extension.get(key) == reference[key]:
                return extension
    return run["tool"]["driver"]


def _names(rule_id: str, described: str) -> bool:
    """3.52.4: a result may name a part of a rule, as in ``CA2101/unicode``."""
    return rule_id == described or rule_id.startswith(f"{described}/")
