"""Parses from the untrusted report which files of an upload were analysed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .json_values import is_list

CLASSES = ("analysed", "unanalysed", "opaque", "otherLanguage", "noCode")
# Conditions of the gate on numbers of files, with the class of files that each counts.
CONDITIONS = {"unanalysed_files": "unanalysed", "opaque_files": "opaque"}
# The largest number of files that is accepted; cards and emails show such numbers.
MOST = 10**9


class Unseen(NamedTuple):
    """A file that was not analysed, or a folder (its name ends in ``/``) with ``files`` of them.

    ``kind`` is one of ``CLASSES`` except the first and the last; ``file`` is empty if the scanner
    names none. All texts are as the scan wrote them: not sanitized.
    """

    kind: str
    file: str
    language: str
    reason: str
    files: int = 1


class Coverage(NamedTuple):
    """How many files each of ``CLASSES`` has; ``unseen`` and ``languages`` name only the first.

    ``reported`` says whether the scanner itself reported which files it read.
    """

    counts: Mapping[str, int]
    reported: bool
    languages: Mapping[str, int]
    unseen: Sequence[Unseen]

    def named(self, kind: str) -> list[Unseen]:
        """The files of one class that the report names."""
        return [entry for entry in self.unseen if entry.kind == kind]

    @property
    def analysed(self) -> str:
        """For example ``12 files of code analysed``, ``12 of 14 files of code analysed``."""
        number = self.counts["analysed"]
        code = number + self.counts["unanalysed"] + self.counts["otherLanguage"]
        of = f"{number:,} of " if number < code else ""
        return f"{of}{files(code)} of code analysed"

    def other_languages(self, most: int) -> str:
        """For example ``12 Go, 3 Rust, and 7 more files``; empty where there are none."""
        listed = list(self.languages.items())[:most]
        left = self.counts["otherLanguage"] - sum(number for _, number in listed)
        parts = [f"{number:,} {language}" for language, number in listed]
        if left:
            parts.append(f"and {files(left, 'more file')}" if parts else files(left))
        return ", ".join(parts)

    def left_out(self, kind: str, count: int) -> int:
        """How many files of ``kind`` are not among the first ``count`` that the report names."""
        return self.counts[kind] - sum(entry.files for entry in self.named(kind)[:count])


def files(number: int, what: str = "file") -> str:
    """For example ``1 file``, ``1,204 files``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def parse(document: Mapping[str, Any] | None) -> Coverage | None:
    """Return the report's ``coverage``, None if nothing was analysed.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is invalid.
    """
    if document is None:
        return None
    counts = {name: _count(document["counts"][name]) for name in CLASSES}
    languages = {str(name): _count(number) for name, number in document["otherLanguages"].items()}
    if not is_list(document["files"]) or not isinstance(document["reported"], bool):
        raise ValueError("the coverage is not in its form")
    unseen = tuple(map(_unseen, document["files"]))
    if sum(languages.values()) > counts["otherLanguage"]:
        raise ValueError("the coverage names more files in other languages than it counts")
    for kind in CLASSES:
        if sum(item.files for item in unseen if item.kind == kind) > counts[kind]:
            raise ValueError(f"the coverage names more files ({kind}) than it counts")
    return Coverage(
        counts=counts, reported=document["reported"], languages=languages, unseen=unseen
    )


def contradiction(coverage: Coverage | None, gate: Mapping[str, Any]) -> str:
    """How the report's ``gate`` contradicts its coverage; empty if it does not.

    Raises:
        ValueError, KeyError, TypeError: a condition is invalid.
    """
    if coverage is None:
        return "it has a gate, but does not say which files were analysed"
    if gate["status"] == "passed" and not coverage.counts["analysed"]:
        return "its gate passed, but no file was analysed"
    for condition in gate["conditions"]:
        kind = CONDITIONS.get(condition["metric"])
        if kind is None:
            continue
        actual, limit = coverage.counts[kind], int(condition["threshold"])
        if condition["actual"] != str(actual):
            return f"its gate counts {condition['actual']} {kind} files, its coverage {actual}"
        failed = actual > limit
        if condition["comparator"] != ">" or (condition["status"] != "ok") != failed:
            return f"{files(actual, f'{kind} file')}, at most {limit}: its gate says otherwise"
    return ""


def _unseen(entry: Mapping[str, Any]) -> Unseen:
    number = _count(entry["files"])
    if entry["class"] not in CLASSES[1:-1] or number < 1:
        raise ValueError("the coverage names a file of no class")
    return Unseen(
        kind=entry["class"],
        file=_text(entry["file"]),
        language=_text(entry["language"]),
        reason=_text(entry["reason"]),
        files=number,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("the coverage has something else where a text should be")
    return value


def _count(value: Any) -> int:
    # True is an int too.
    if type(value) is not int or not 0 <= value <= MOST:
        raise ValueError("the coverage has something else where a number should be")
    return value
