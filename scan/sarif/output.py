"""What a tool says of files in its output, where its SARIF is silent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

# So many statements are kept; a tool that makes more is not believed to have said all.
MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class OutputNotes:
    """Paths as the tool wrote them: ``analysed``, ``unread`` with the reason; and ``troubles``."""

    analysed: dict[str, None] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, None] = field(default_factory=dict)


class OutputReader:
    """Keeps in ``notes`` what ``patterns`` find in lines of a tool's output; see ``Recipe``."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._patterns = patterns
        self.notes = OutputNotes()

    def read(self, line: str) -> None:
        """Read one line, which has no line break."""
        for pattern in self._patterns:
            if found := pattern.search(line):
                self._keep(found.groupdict())

    def _keep(self, found: dict[str, str | None]) -> None:
        notes = self.notes
        if len(notes.analysed) + len(notes.unread) + len(notes.troubles) >= MOST:
            notes.troubles["the scanner's output names too many files to be read"] = None
        elif analysed := found.get("analysed"):
            notes.analysed[analysed] = None
        elif unread := found.get("unread"):
            notes.unread[unread] = found.get("reason") or "the scanner says so"
        elif trouble := found.get("trouble"):
            notes.troubles[trouble] = None
