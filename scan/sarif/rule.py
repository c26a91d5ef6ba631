"""Resolves SARIF references to a component of the tool and one of its rules (3.52, 3.54)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scan.sarif.locations import at

Json = Mapping[str, Any]
# Index of the component (-1 for the driver), and of its rule (-1 if it does not describe the rule).
Key = tuple[int, int]
NO_RULE = -1
CWE = re.compile(r"(?:external/cwe/)?cwe-(\d{1,5})\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule as the tool describes it; ``component_texts`` are shared by its component's rules.

    ``weaknesses`` are ids of CWE.
    """

    id: str
    key: Key
    title: str
    link: str | None
    level: str | None
    security_severity: object
    texts: Json
    component_texts: Json
    weaknesses: frozenset[str]


def rule_of(result: Json, run: Json) -> Rule:
    """The rule of ``result``; only its id is set if the tool does not describe it."""
    reference = dict(result.get("rule") or {})
    rule_id = str(result.get("ruleId") or reference.get("id") or "")
    if rule_id:
        reference["id"] = rule_id
    reference.setdefault("index", result.get("ruleIndex"))
    key = resolved(reference, run)
    component = component_at(key[0], run)
    described = at(component.get("rules") or [], key[1]) or {}
    link = described.get("helpUri")
    return Rule(
        id=rule_id or str(described.get("id") or "unknown"),
        key=key,
        title=str((described.get("shortDescription") or {}).get("text", "")),
        link=link if str(link).startswith(("https://", "http://")) else None,
        level=(described.get("defaultConfiguration") or {}).get("level"),
        security_severity=(described.get("properties") or {}).get("security-severity"),
        texts=described.get("messageStrings") or {},
        component_texts=component.get("globalMessageStrings") or {},
        weaknesses=frozenset(_cwe(described)),
    )


def _cwe(described: Json) -> Iterator[str]:
    """Ids of CWE in the tags of a rule (Bandit: external/cwe/cwe-78, Semgrep: CWE-78: ...).

    Or among its relationships to a taxonomy of that name (3.53), as gosec writes them.
    """
    for tag in (described.get("properties") or {}).get("tags") or []:
        if match := CWE.match(str(tag)):
            yield f"CWE-{int(match[1])}"
    for relationship in described.get("relationships") or []:
        target = relationship.get("target") or {}
        if (target.get("toolComponent") or {}).get("name") == "CWE" and "id" in target:
            yield f"CWE-{target['id']}"


def resolved(reference: Json, run: Json, kind: str = "rules") -> Key:
    """3.52.3: the descriptor that a reference names, by index, guid, or id.

    ``kind`` is ``rules`` or ``notifications``.
    """
    component = _component(reference.get("toolComponent") or {}, run)
    index = _descriptor(reference, component_at(component, run).get(kind) or [])
    if index == NO_RULE and "toolComponent" not in reference:
        # By the standard it is the driver's rule, but some tools mean one of an extension.
        for number, extension in enumerate(run["tool"].get("extensions") or []):
            index = _descriptor({**reference, "index": -1}, extension.get(kind) or [])
            if index != NO_RULE:
                return number, index
    return component, index


def component_at(number: int, run: Json) -> Json:
    """The driver for -1, else the extension of that number."""
    return run["tool"]["driver"] if number < 0 else run["tool"]["extensions"][number]


def _component(reference: Json, run: Json) -> int:
    """3.54: an extension by index, guid or name; else the driver."""
    extensions = run["tool"].get("extensions") or []
    index = reference.get("index")
    if at(extensions, index) is not None:
        return int(str(index))
    for key in ("guid", "name"):
        for number, extension in enumerate(extensions):
            if key in reference and extension.get(key) == reference[key]:
                return number
    return -1


def _descriptor(reference: Json, described: Any) -> int:
    """The index of a rule; a given index is used unless another rule has the given id."""
    index, name, guid = reference.get("index"), reference.get("id"), reference.get("guid")
    numbered = at(described, index)
    if numbered is not None and (name is None or _names(str(name), str(numbered.get("id")))):
        return int(str(index))
    for number, node in enumerate(described):
        if guid is not None and node.get("guid") == guid:
            return number
    if name is not None:
        fitting = [at for at, node in enumerate(described) if _names(str(name), str(node["id"]))]
        if fitting:
            return max(fitting, key=lambda number: len(str(described[number]["id"])))
    return NO_RULE if numbered is None else int(str(index))


def _names(rule_id: str, described: str) -> bool:
    """3.27.5: a result may name a part of a rule, as in ``CA2101/unicode``."""
    return rule_id == described or rule_id.startswith(f"{described}/")
