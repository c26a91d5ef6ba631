"""What a simulated scan has: findings and unanalysed files, written as short words.

``a``, ``b`` and ``c`` are findings of severity HIGH, ``m`` and ``n`` of MEDIUM, ``z`` of LOW; ``x``
and ``y`` are files that were not analysed. Each is in a file of its own. ``a+`` is in the same file
after another change in it, ``a>`` in a file that was renamed, ``a>+`` in one that was both. A word
that occurs twice is two equal findings in the same file.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

SEVERITY = {"a": "HIGH", "b": "HIGH", "c": "HIGH", "m": "MEDIUM", "n": "MEDIUM", "z": "LOW"}
SEVERITIES = ("BLOCKER", "HIGH", "MEDIUM", "LOW", "INFO")
UNSEEN = ("x", "y")


def document(variables: Mapping[str, str], words: Sequence[str], whole: bool) -> bytes:
    """Return findings.json; if not ``whole``, as an earlier scanner wrote it."""
    located = [word for word in words if word[0] in SEVERITY]
    result: dict[str, Any] = {
        "version": 1,
        "scan": variables["SCAN"],
        "app": variables["APP"],
        "findings": listed(words, fingerprints=whole),
        "counts": counts(words),
        "omitted": 0,
    }
    if whole:
        result["contents"] = {_file(word): _content(word, words) for word in located}
        result["unseen"] = [
            {
                "class": "unanalysed",
                "file": _file(word),
                "files": 1,
                "sha256": _content(word, words),
            }
            for word in words
            if word[0] in UNSEEN
        ]
        result["unseenOmitted"] = 0
    return json.dumps(result).encode()


def listed(words: Sequence[str], *, fingerprints: bool = False) -> list[dict[str, Any]]:
    """Return the findings as documents have them, the worst first."""
    number: Counter[str] = Counter()
    result = []
    for word in sorted(words, key=lambda word: SEVERITIES.index(SEVERITY.get(word[0], "INFO"))):
        if word[0] not in SEVERITY:
            continue
        number[word] += 1
        finding = {
            "rule": f"simulated:{word[0]}",
            "severity": SEVERITY[word[0]],
            "message": f"Finding {word[0]}.",
            "file": _file(word),
            "line": 10 * number[word],
            "link": None,
        }
        if fingerprints:
            finding["fingerprint"] = _sha256(f"{word[0]} {number[word]}")[:32]
        result.append(finding)
    return result


def counts(words: Sequence[str]) -> dict[str, int]:
    """Return the number of findings by severity."""
    number = Counter(SEVERITY[word[0]] for word in words if word[0] in SEVERITY)
    return {severity: number[severity] for severity in SEVERITIES}


def coverage(words: Sequence[str]) -> dict[str, Any]:
    """Return the report's coverage, with the files that were not analysed."""
    unseen = [word for word in words if word[0] in UNSEEN]
    numbers = {"analysed": 12, "unanalysed": len(unseen), "opaque": 0, "otherLanguage": 0}
    files = [
        {
            "class": "unanalysed",
            "file": _file(word),
            "language": "JavaScript",
            "reason": "could not be parsed",
            "files": 1,
        }
        for word in unseen
    ]
    return {
        "counts": {**numbers, "noCode": 3},
        "lines": 900,
        "reported": True,
        "otherLanguages": {},
        "files": files,
    }


def gate(words: Sequence[str], limit: int, covered: int, rating: int) -> dict[str, Any]:
    """Return the gate, which fails by ``limit`` (of HIGH), or by ``covered`` and ``rating``.

    With a percentage ``covered`` it is SonarQube's own, which demands 80, and the rating 1.
    """
    number = counts(words)
    conditions = [_condition("HIGH", ">", limit, number["HIGH"])]
    conditions.append(_condition("MEDIUM", ">", 0, number["MEDIUM"]))
    if covered:
        conditions = [
            _condition("new_coverage", "<", 80, covered),
            _condition("software_quality_security_rating", ">", 1, rating),
        ]
    conditions.append(
        _condition("unanalysed_files", ">", 0, sum(word[0] in UNSEEN for word in words))
    )
    failed = any(condition["status"] == "error" for condition in conditions)
    return {
        "status": "failed" if failed else "passed",
        "judge": "sonarqube" if covered else "limits",
        "conditions": conditions,
    }


def _condition(metric: str, comparator: str, threshold: int, actual: int) -> dict[str, str]:
    failed = actual > threshold if comparator == ">" else actual < threshold
    return {
        "metric": metric,
        "comparator": comparator,
        "threshold": str(threshold),
        "actual": str(actual),
        "status": "error" if failed else "ok",
    }


def _file(word: str) -> str:
    folder = "lib" if word[0] in UNSEEN else "src"
    return f"{folder}/{'moved/' if '>' in word else ''}{word[0]}.py"


def _content(word: str, words: Sequence[str]) -> str:
    """The SHA-256 of a file; another finding in it is another content."""
    return _sha256(f"content of {word[0]}{'+' if '+' in word else ''} {words.count(word)}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
