"""What a tool says of files in its output, where its SARIF is silent."""

import re
from dataclasses import dataclass, field

from scan.log import Log, Relay

# Of as many files the output is told one by one.
MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Paths as the tool wrote them: ``analysed``, ``unread`` with the reason; and ``troubles``."""

    analysed: dict[str, None] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, None] = field(default_factory=dict)


class Listener(Relay):
    """Passes lines on to ``log``, and keeps what ``patterns`` find in them; see ``Recipe``."""

    def __init__(self, log: Log, patterns: list[re.Pattern[str]]) -> None:
        super().__init__(log)
        self._patterns = patterns
        self.heard = Heard()

    def hear(self, line: str) -> None:
        """Keep what the patterns find in a line."""
        for pattern in self._patterns:
            if found := pattern.search(line):
                self._keep(found.groupdict())

    def _keep(self, found: dict[str, str | None]) -> None:
        if len(self.heard.analysed) + len(self.heard.unread) + len(self.heard.troubles) >= MOST:
            self.heard.troubles["the scanner says too much to be listened to"] = None
        elif analysed := found.get("analysed"):
            self.heard.analysed[analysed] = None
        elif unread := found.get("unread"):
            self.heard.unread[unread] = found.get("reason") or "the scanner says so"
        elif trouble := found.get("trouble"):
            self.heard.troubles[trouble] = None
