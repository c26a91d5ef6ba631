"""Joins what several tools, or several runs of one, report as analysed."""

from collections.abc import Mapping, Sequence

from scan.finding import Seen
from scan.language import Kind
from scan.ledger import NOT_READ, has_name

# Another tool that reads such a file makes up for it.
SETTINGS_FILE = "hidden from the scanner, which would read it as its settings"
MADE_UP_FOR = {NOT_READ, SETTINGS_FILE}


def union(readers: Sequence[Seen], kinds: Mapping[str, Kind], others: Sequence[Seen] = ()) -> Seen:
    """A file is analysed if any of ``readers`` read it, and none reports that it could not.

    Of ``others``, which do not make a file count as analysed, only the problems are added.
    """
    all_seen = [*readers, *others]
    if len(all_seen) == 1:
        return all_seen[0]
    languages = [seen.languages for seen in readers]
    # Where none says what it read and all read the same names, the ledger decides as for one.
    is_silent = all(seen.analysed is None for seen in readers)
    analysed = (
        None
        if is_silent and len({tuple(seen.names) for seen in readers}) == 1
        else frozenset().union(*(_read(seen, kinds) for seen in readers))
    )
    by_report = frozenset().union(*(seen.analysed for seen in readers if seen.analysed is not None))
    return Seen(
        analysed=analysed,
        languages=None if None in languages else frozenset().union(*filter(None, languages)),
        names=tuple(dict.fromkeys(name for seen in readers for name in seen.names)),
        unread={
            file: why
            for seen in all_seen
            for file, why in seen.unread.items()
            if why not in MADE_UP_FOR or not analysed or file not in analysed
        },
        incomplete=tuple(dict.fromkeys(text for seen in all_seen for text in seen.incomplete)),
        excluded={file: why for seen in all_seen for file, why in seen.excluded.items()},
        reported=analysed is not None and analysed <= by_report,
    )


def _read(seen: Seen, kinds: Mapping[str, Kind]) -> frozenset[str]:
    """The files that a tool reports as analysed; without a report, those that it can read."""
    if seen.analysed is not None:
        return seen.analysed
    read = {
        path
        for path, kind in kinds.items()
        if kind.is_text
        and (seen.languages is None or kind.tags & seen.languages)
        and has_name(path, seen)
    }
    return frozenset(read - seen.unread.keys())
