"""Which files a scan looked at, and which not, as the page shows it."""

from typing import Any

from domain import report
from handlers import not_scanned

MOST = 100  # files of each kind, which is all that a report names
LANGUAGES = 50


def shown(document: Any, scan: str) -> dict[str, Any] | None:
    """``{analysed, lists: [{title, lines: [{file, words}]}]}`` of report.json.

    None where the report makes no sense, or nothing was analysed.
    """
    found = report.parse(document, scan)
    if found is None or found.coverage is None:
        return None
    lists = {
        not_scanned.UNANALYSED: not_scanned.unanalysed(found, MOST),
        not_scanned.BY_NATURE: not_scanned.by_nature(found, MOST, LANGUAGES),
    }
    return {
        "analysed": found.coverage.analysed,
        "lists": [
            {"title": title, "lines": [vars(each) for each in lines]}
            for title, lines in lists.items()
            if lines
        ],
    }
