"""Writes docs/evidence.md from the schemas: ``python -m ops.evidence_docs``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from domain.evidence_paths import HASHED_BY
from domain.schema import load

FILE = Path(__file__).parent.parent / "docs" / "evidence.md"
EVIDENCE = (
    "scan", "uploader", "findings", "report", "gate-result", "approval", "decision", "extension",
    "withdrawal", "action",
)  # fmt: skip
STATE = ("waiting", "app-record", "thread-slot", "thread-digest")
HEAD = """# Evidence

Written by `python -m ops.evidence_docs` from the JSON Schemas in [schemas](../domain/schemas).
Tests hold whatever is written to both buckets against them.

Evidence of a scan is in the artifacts bucket, under `scans/<app>/<version id>/`; that of a second
attempt at a version under `scans/<app>/<version id>.2/`. Each document is written once
(`If-None-Match: *`): a second writer gets the stored document. Each names the
SHA-256 of those that it follows from, so that a later change shows:

| document | is named by |
|---|---|
"""


def markdown() -> str:
    """Return the whole page."""
    chain = "\n".join(f"| `{name}` | `{by}` |" for name, by in HASHED_BY.items())
    parts = [HEAD + chain, *map(_section, EVIDENCE)]
    parts.append(
        "# State\n\nWhat is needed while something waits is in the state bucket; it is no evidence."
    )
    return "\n\n".join([*parts, *map(_section, STATE)]) + "\n"


def _section(name: str) -> str:
    schema = load(name)
    rows = "\n".join(_rows(schema, schema, ""))
    return (
        f"## {schema['title']}\n\n{schema['description']} ([schema]"
        f"(../domain/schemas/{name}.schema.json))\n\n| field | type | what |\n|---|---|---|\n{rows}"
    )


def _rows(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, rule in schema.get("properties", {}).items():
        field, what = _resolved(rule, root), rule.get("description", "")
        optional = "" if name in schema.get("required", ()) else " (optional)"
        yield f"| `{prefix}{name}`{optional} | {_type(field, root)} | {what} |"
        inner = _inner(field, root)
        mark = "[]" if field.get("type") == "array" else ""
        yield from _rows(inner, root, f"{prefix}{name}{mark}.")


def _resolved(rule: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """The rule merged with the definition that it refers to; its own keywords take precedence."""
    referred = root["$defs"][rule["$ref"].rpartition("/")[2]] if "$ref" in rule else {}
    return {**referred, **rule}


def _inner(field: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the object that a field is, or may be, or that its items are."""
    if "oneOf" in field:
        return next(option for option in field["oneOf"] if option["type"] == "object")
    return _resolved(field.get("items", {}), root) if field.get("type") == "array" else field


def _type(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{choice}`" for choice in field["enum"])
    if "oneOf" in field:
        return "object or null"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if kinds == ["array"]:
        return f"list of {_type(_resolved(field['items'], root), root)}s"
    if field.get("format") == "date-time":
        kinds = ["timestamp" if kind == "string" else kind for kind in kinds]
    return " or ".join(kinds)


if __name__ == "__main__":
    FILE.write_text(markdown())
