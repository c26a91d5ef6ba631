"""The results of a scan: findings, and the quality gate with its conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .json_values import is_list

# SonarQube's terms since 10.8 (Multi-Quality Rule mode), worst first.
SEVERITIES = ("BLOCKER", "HIGH", "MEDIUM", "LOW", "INFO")
# The metric of the condition that no scanner failed, where several are run.
FAILED_SCANNERS = "failed_scanners"
# Added to the names of conditions that are not clear by themselves.
_EXPLAINED = {"opaque_files": " (archives, compiled code, dependencies)"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One issue in the code; ``file`` is relative to the upload's root, empty without a location.

    ``file`` and ``fingerprint`` together are its identity in later versions; ``fingerprint`` is
    empty in earlier evidence. ``scanners`` names those that found it, where several were run. Texts
    from a report are as the scan wrote them: not sanitized.
    """

    rule: str
    severity: str
    message: str
    file: str
    line: int | None = None
    link: str | None = None
    fingerprint: str = ""
    scanners: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """For example ``src/store.py:14``."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def rule_by(self) -> str:
        """For example ``B602``, or ``B602 by Bandit, Ruff`` where several scanners were run."""
        return f"{self.rule} by {', '.join(self.scanners)}" if self.scanners else self.rule


def scanners_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in a finding of a document; it has none where one scanner was run.

    Raises:
        ValueError: they are not in their form.
    """
    names = document.get("scanners", [])
    if not is_list(names):
        raise ValueError("a finding names scanners in another form")
    return tuple(map(str, names))


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition of a gate. It fails if ``actual comparator threshold`` is true: ``3 > 0``.

    ``status`` is ``ok`` or ``error``.
    """

    metric: str
    comparator: str
    threshold: str
    actual: str
    status: str

    @property
    def failed(self) -> bool:
        """Whether the condition fails the gate."""
        return self.status != "ok"

    @property
    def name(self) -> str:
        """For example ``HIGH findings``, ``new coverage``."""
        if self.metric in SEVERITIES:
            return f"{self.metric} findings"
        return self.metric.replace("_", " ") + _EXPLAINED.get(self.metric, "")

    @property
    def actual_text(self) -> str:
        """For example ``3``, ``61.2``, ``D``."""
        return self._text(self.actual)

    @property
    def expected_text(self) -> str:
        """For example ``limit 0``."""
        if self._is_rating and self.comparator == ">":
            return f"{self._text(self.threshold)} or better"
        bound = {">": "limit", "<": "minimum"}.get(self.comparator, f"not {self.comparator}")
        return f"{bound} {self._text(self.threshold)}"

    @property
    def _is_rating(self) -> bool:
        return self.metric.endswith("_rating")

    def _text(self, value: str) -> str:
        """A value as text; SonarQube's ratings are numbers in its API, and letters for people."""
        letters = dict(zip("12345", "ABCDE", strict=True))
        return letters.get(value, value) if self._is_rating else value


@dataclass(frozen=True, kw_only=True)
class Gate:
    """``status`` is ``passed`` or ``failed``; ``judge`` is ``sonarqube`` or ``limits``."""

    status: str
    judge: str
    conditions: Sequence[Condition]


@dataclass(frozen=True, kw_only=True)
class IgnoredSetting:
    """A setting in the upload that was ignored; ``weakens`` if it would have excluded code."""

    file: str
    key: str
    value: str
    weakens: bool
