"""What two scans have in common, and so whether the approval of one covers the other.

Promises: docs/decisions.md, "What an approval covers". A finding is the same if its rule, its file
and the text of its line are; in simulated scans the rule stands for the text. A file that was
renamed, with the same content, is the same file. An unanalysed file must have the same content.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulation.model.subjects import Attempt

SEVERITIES = ("BLOCKER", "HIGH", "MEDIUM", "LOW", "INFO")
# In the names of the metrics that findings do not explain.
OF_NO_FINDINGS = ("coverage", "duplicat", "lines", "complexity")


@dataclass(frozen=True)
class Item:
    """A finding, or an unanalysed file, whose ``name`` is empty."""

    name: str
    file: str
    content: str
    severity: str = ""


@dataclass(frozen=True)
class Comparison:
    """``new`` and ``known`` items are of the later scan, ``fixed`` ones of the earlier."""

    new: list[Item]
    known: list[Item]
    fixed: list[Item]


def compare(before: list[Item], now: list[Item]) -> Comparison:
    """Match each item of ``now`` with at most one of ``before``."""
    left, known, new = list(before), [], []
    files, earlier = {item.file for item in now}, {item.file for item in before}
    rest = []
    for item in now:
        same = next((other for other in left if _is_same_file(other, item)), None)
        if same:
            left.remove(same)
            known.append(item)
        else:
            rest.append(item)
    for item in rest:
        renamed = next(
            (
                other
                for other in left
                if (other.name, other.content) == (item.name, item.content)
                and other.file not in files
                and item.file not in earlier
            ),
            None,
        )
        if renamed:
            left.remove(renamed)
        (known if renamed else new).append(item)
    return Comparison(new, known, left)


def _is_same_file(before: Item, now: Item) -> bool:
    if (before.name, before.file) != (now.name, now.file):
        return False
    return bool(now.name) or before.content == now.content


def findings(attempt: Attempt) -> list[Item]:
    """All findings of a scan."""
    document = _document(attempt, "findings.json")
    contents = document.get("contents") or {}
    return [
        Item(item["rule"], item["file"], contents.get(item["file"], ""), item["severity"])
        for item in document.get("findings", ())
    ]


def unseen(attempt: Attempt) -> list[Item]:
    """All files of a scan that were not analysed."""
    document = _document(attempt, "findings.json")
    return [Item("", item["file"], item["sha256"]) for item in document.get("unseen", ())]


def is_known(attempt: Attempt) -> bool:
    """Whether all of a scan's findings are known, with fingerprints."""
    document = _document(attempt, "findings.json")
    return (
        "unseen" in document
        and not document["omitted"]
        and not document.get("unseenOmitted")
        and all(item.get("fingerprint") for item in document["findings"])
    )


def is_certain(attempt: Attempt) -> bool:
    """Whether all findings are known, and the build that recorded them succeeded."""
    return is_known(attempt) and not _document(attempt, "gate-result.json").get("buildFailed")


def not_covered(now: Attempt, approved: Attempt) -> Iterator[str]:
    """Why an approval of the second scan does not cover the first; nothing if it does."""
    if not is_known(now) or not is_certain(approved):
        yield "not all findings are known"
        return
    changes = compare(findings(approved), findings(now))
    files = compare(unseen(approved), unseen(now))
    before = {item["metric"]: item for item in _failed(approved)}
    for condition in _failed(now):
        metric = condition["metric"]
        if metric not in before:
            yield f"{metric} did not fail"
        elif _is_worse(condition, before[metric], "threshold", stricter=True):
            yield f"{metric} has a stricter limit"
        elif metric in SEVERITIES:
            if any(item.severity == metric for item in changes.new):
                yield f"{metric}: a new finding"
        elif metric == "unanalysed_files":
            if files.new:
                yield "a new file that was not analysed"
        elif _is_worse(condition, before[metric], "actual"):
            yield f"{metric} is worse"
        elif changes.new and not any(word in metric for word in OF_NO_FINDINGS):
            yield f"{metric}: a new finding"


def _failed(attempt: Attempt) -> list[dict[str, str]]:
    gate = _document(attempt, "report.json").get("gate") or {}
    return [item for item in gate.get("conditions", ()) if item["status"] != "ok"]


def _is_worse(
    now: dict[str, str], before: dict[str, str], name: str, *, stricter: bool = False
) -> bool:
    """Whether a value is worse; a limit is stricter where a value would be better."""
    difference = float(now[name]) - float(before[name])
    if (now["comparator"] == "<") != stricter:
        difference = -difference
    return difference > 0


def _document(attempt: Attempt, name: str) -> dict[str, Any]:
    stored = attempt.files.get(name)
    return stored.document if stored and isinstance(stored.document, dict) else {}
