"""What the evidence says about the approval of an upload, as words for its header."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from domain import approvals, timestamps


def facts(names: Collection[str], read: Callable[[str], Mapping[str, Any]]) -> list[str]:
    """Return a few words each; ``names`` are those of the evidence, which ``read`` parses."""
    if "decision.json" not in names:
        clicked = any(name.startswith("approvals/") for name in names)
        return ["waits for the approval of two people"] if clicked else []
    decision = read("decision.json")
    if decision["decision"] != "approved":
        return []
    if root := decision.get("restsOn"):
        return [f"approved under the exception of version {root['scan'].split('/')[1][:8]}"]
    extensions = sorted(
        (name for name in names if name.startswith("extensions/")),
        key=lambda name: int(name.removeprefix("extensions/").removesuffix(".json")),
    )
    end = timestamps.minute(
        timestamps.iso(approvals.ends(decision, [read(name) for name in extensions]))
    )
    return [f"approved until {end}", *(["extended"] if extensions else [])]
