"""Which files a scan analysed and which not, as JSON data for the page."""

from typing import Any

from domain import report
from handlers import not_scanned

MOST = 100  # files of each kind; a report names no more
LANGUAGES = 50


def summary(document: Any, scan: str) -> dict[str, Any] | None:
    """``{analysed, lists: [{title, lines: [{file, words}]}]}`` of report.json.

    None if the report is invalid or has no coverage.
    """
    parsed_report = report.parse(document, scan)
    if parsed_report is None or parsed_report.coverage is None:
        return None
    lists = {
        not_scanned.UNANALYSED: not_scanned.unanalysed(parsed_report, MOST),
        not_scanned.BY_NATURE: not_scanned.by_nature(parsed_report, MOST, LANGUAGES),
    }
    return {
        "analysed": parsed_report.coverage.analysed,
        "lists": [
            {"title": title, "lines": [row._asdict() for row in lines]}
            for title, lines in lists.items()
            if lines
        ],
    }
