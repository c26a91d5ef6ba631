"""Reads from a tool's output which files it analysed, for tools whose SARIF does not say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

# The most notes that are kept in memory; more of them make the analysis incomplete.
MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class OutputNotes:
    """Paths as the tool wrote them: ``analysed``, ``unread`` with the reason; and ``problems``."""

    analysed: dict[str, None] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)


class OutputReader:
    """Collects in ``notes`` what ``patterns`` match in a tool's output; see ``Recipe.output``."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._patterns = patterns
        self.notes = OutputNotes()

    def read(self, line: str) -> None:
        """Read one line, without its line break."""
        for pattern in self._patterns:
            if match := pattern.search(line):
                self._keep(match.groupdict())

    def _keep(self, match: dict[str, str | None]) -> None:
        notes = self.notes
        if len(notes.analysed) + len(notes.unread) + len(notes.problems) >= MOST:
            notes.problems["the scanner's output names too many files to be read"] = None
        elif analysed := match.get("analysed"):
            notes.analysed[analysed] = None
        elif unread := match.get("unread"):
            notes.unread[unread] = match.get("reason") or "the scanner says so"
        elif problem := match.get("problem"):
            notes.problems[problem] = None
