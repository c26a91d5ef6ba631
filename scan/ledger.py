"""The ledger of an upload: every file in it, and whether it was analysed."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from domain.coverage import CLASSES, Unseen
from domain.findings import Condition
from scan.finding import Seen
from scan.language import Kind, kind_of

ENVIRONMENT, MARKER = "virtual environment", "pyvenv.cfg"
# Folders that scanners leave out; coverage lists each in one line, as it does a folder with a
# pyvenv.cfg.
FOLDERS = {
    **dict.fromkeys(
        ("node_modules", "bower_components", "jspm_packages", "vendor", "site-packages"),
        "dependencies",
    ),
    **dict.fromkeys(("venv", ".venv", "virtualenv", ".virtualenv"), ENVIRONMENT),
    **dict.fromkeys((".git", ".hg", ".svn"), "version control"),
}
# Folders that venv, virtualenv and wheels create in an environment, on any system.
PART_OF_ONE = re.compile(r"(?:bin|scripts|lib|lib64|include|share|etc)/", re.IGNORECASE)
MOST_SHOWN = 100
NOT_READ = "the scanner did not read it"
LEFT_OUT = "scanners leave such folders out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of an upload; for a symbolic link, ``link`` is its target as in the zip.

    On disk a link to a file is a copy of that file. A link to a folder is not created; that folder
    is ``folder``, empty for the root.
    """

    path: str
    size: int
    link: str | None = None
    folder: str | None = None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many files each of ``CLASSES`` has; ``unseen`` lists those of the middle three classes.

    ``unseen`` is sorted with the worst first. ``reported`` says whether the engine itself reported
    which files it analysed.
    """

    counts: Mapping[str, int]
    unseen: Sequence[Unseen]
    reported: bool

    @property
    def languages(self) -> dict[str, int]:
        """The number of files in each language that the engine does not know, most first."""
        counted = Counter(entry.language for entry in self.unseen if entry.kind == "otherLanguage")
        return dict(counted.most_common())

    @property
    def listed(self) -> list[Unseen]:
        """The first ``MOST_SHOWN`` of each class."""
        of = {name: [entry for entry in self.unseen if entry.kind == name] for name in CLASSES}
        return [entry for some in of.values() for entry in some[:MOST_SHOWN]]

    def conditions(self, most: Mapping[str, int | None]) -> list[Condition]:
        """The conditions on unanalysed and opaque files; no condition where the limit is None."""
        return [
            Condition(
                metric=f"{name}_files",
                comparator=">",
                threshold=str(limit),
                actual=str(self.counts[name]),
                status="error" if self.counts[name] > limit else "ok",
            )
            for name in ("unanalysed", "opaque")
            if (limit := most[name]) is not None
        ]


class Ledger:
    """All files of one upload, unpacked to the folder ``source``; removes macOS metadata there.

    ``kinds`` has the kind of each, by its path.
    """

    def __init__(self, entries: Sequence[Entry], source: Path) -> None:
        self._entries = entries
        self.kinds: Mapping[str, Kind] = {
            entry.path: kind_of(source / entry.path, entry.path)
            if (source / entry.path).is_file()
            else Kind()
            for entry in entries
        }
        # Scanners would parse them as code, by their suffix.
        for path, kind in self.kinds.items():
            if kind.is_metadata:
                (source / path).unlink()

    def account(self, seen: Seen) -> Coverage:
        """Classify each file by what the engine reports."""
        return account(self._entries, self.kinds, seen)


def account(entries: Iterable[Entry], kinds: Mapping[str, Kind], seen: Seen) -> Coverage:
    """Put every entry into one class; ``kinds`` has the kind of each path.

    What the engine reports about a file overrules its kind.
    """
    counts: Counter[str] = Counter()
    folders: Counter[Unseen] = Counter()
    unseen = _problems(kinds, seen)
    counts["unanalysed"] += len(unseen)
    environments = _environments(kinds)
    for entry in entries:
        classified = _placed(entry, kinds[entry.path], seen, environments)
        counts[classified.kind] += 1
        if classified.file.endswith("/"):
            folders[classified] += 1
        elif classified.kind not in {"analysed", "noCode"}:
            unseen.append(classified)
    unseen += [folder._replace(files=files) for folder, files in folders.items()]
    unseen.sort(key=lambda item: (CLASSES.index(item.kind), -item.files, item.file))
    return Coverage(
        counts={name: counts[name] for name in CLASSES},
        unseen=unseen,
        reported=seen.analysed is not None and seen.reported,
    )


def _problems(kinds: Mapping[str, Kind], seen: Seen) -> list[Unseen]:
    """Errors of the engine that match no file of the upload: they may concern any file."""
    strangers = [(file, why) for file, why in seen.unread.items() if file not in kinds]
    return [
        Unseen(kind="unanalysed", file=file, language="", reason=why)
        for file, why in [*strangers, *(("", why) for why in seen.incomplete)]
    ]


def _placed(entry: Entry, kind: Kind, seen: Seen, environments: set[str]) -> Unseen:
    """The class of one file; within a folder of dependencies, the folder is listed instead."""
    name, reason = _class_of(entry.path, kind, seen)
    folder, label = _folder(entry.path, environments)
    if folder and (name in {"opaque", "otherLanguage"} or reason == NOT_READ):
        return Unseen(kind="opaque", file=folder, language=label, reason=LEFT_OUT)
    if entry.folder is not None and not folder:
        # Through the link, the dependencies would be taken for the upload's own code.
        leads_to, label = _folder(f"{entry.folder}/", environments)
        if leads_to:
            why = f"a link into {leads_to}: {LEFT_OUT}"
            return Unseen(kind="opaque", file=entry.path, language=label, reason=why)
    return Unseen(kind=name, file=entry.path, language=kind.language, reason=reason)


def _class_of(path: str, kind: Kind, seen: Seen) -> tuple[str, str]:
    """The class of one file, and the reason if it was not analysed."""
    is_known = seen.languages is None or bool(kind.tags & seen.languages)
    if path in seen.unread:
        return "unanalysed", seen.unread[path]
    if seen.analysed is not None and path in seen.analysed:
        return "analysed", ""
    if path in seen.excluded and kind.is_code:
        return "opaque", seen.excluded[path]
    # A tool with unknown languages is assumed to read all text, others only code.
    could_read = kind.is_text and (kind.is_code or seen.languages is None) and has_name(path, seen)
    if seen.analysed is None and is_known and could_read:
        return "analysed", ""
    if kind.is_opaque:
        return "opaque", kind.why
    if not kind.is_code:
        return "noCode", ""
    if is_known:
        return "unanalysed", NOT_READ
    return "otherLanguage", "the scanner does not know this language"


def has_name(path: str, seen: Seen) -> bool:
    """Whether the engine reads files of that name."""
    return any(fnmatchcase(path.rpartition("/")[2], name) for name in seen.names)


def _environments(kinds: Mapping[str, Kind]) -> set[str]:
    """Folders that are Python's virtual environments, whatever their name.

    A folder with code outside of the usual subfolders does not count: it is the upload's own.
    """
    marked = {path.rpartition("/")[0] for path in kinds if path.endswith(f"/{MARKER}")}
    for path in [path for path, kind in kinds.items() if marked and kind.is_code]:
        end = path.find("/")
        while end >= 0:
            if not PART_OF_ONE.match(path, end + 1):
                marked.discard(path[:end])
            end = path.find("/", end + 1)
    return marked


def _folder(path: str, environments: set[str]) -> tuple[str, str]:
    """The outermost folder of dependencies around ``path``, and its label; empty if none."""
    parts = path.split("/")
    for depth, part in enumerate(parts[:-1], 1):
        folder = "/".join(parts[:depth])
        label = ENVIRONMENT if folder in environments else FOLDERS.get(part.lower())
        if label:
            return f"{folder}/", label
    return "", ""
