"""The name of a zip entry as a path on disk; refused if systems could interpret it differently."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from domain.archive_names import UnsafeName, checked, folded
from scan.errors import ScanError
from scan.language import names_code
from scan.zip_records import UTF8, Member, printable

# A suffix that would differ in another code page.
SUFFIX_ABOVE_ASCII = re.compile(r"\.(?=[^.]*[^\x00-\x7f])[^. ]{1,10}\Z")
# In Japanese and Chinese code pages the second byte of a character can equal a backslash.
HALF_A_CHARACTER = re.compile(rb"([\x80-\xff])\\")


def path_of(member: Member, longest: int) -> str:
    """The path of ``member`` with ``/`` between its parts, empty for the root folder.

    ``longest`` is the most bytes that it may have.

    Raises:
        ScanError: the name is unsafe.
    """
    path = _checked(_decoded(member.name, bool(member.flags & UTF8)), longest)
    if member.second_name is None:
        return path
    second = _checked(_decoded(member.second_name, is_utf8=True), longest)
    if not _same_meaning(path, second) or _is_folder(member.name) != _is_folder(member.second_name):
        raise unsafe(f"The entry {printable(member.name)} has a second name of another kind.")
    return second


def check_clashes(
    paths: Iterable[str], empty_folders: Iterable[str], most_folders: int
) -> set[str]:
    """All folders of ``paths`` and ``empty_folders``; no two paths may be the same on any system.

    Raises:
        ScanError: two paths clash, or there are more than ``most_folders``.
    """
    seen: dict[str, str] = {}
    for path in paths:
        first = seen.setdefault(folded(path), path)
        if first is not path:
            raise unsafe(f"{printable(path)} and {printable(first)} differ by case only.")
    folders: set[str] = {""}
    inside = (f"{folder}/" for folder in empty_folders)
    for path in [*seen.values(), *inside]:
        while (path := path.rpartition("/")[0]) not in folders:
            folders.add(path)
            if len(folders) > most_folders:
                raise ScanError(
                    "TooManyFiles",
                    f"The files of the zip lie in more than {most_folders:,} folders.",
                    "Leave build results and dependencies out, or raise the upload limits in the "
                    "settings.",
                )
            if folded(path) in seen:
                raise unsafe(f"{printable(path)} is in the zip as a file and as a folder.")
    return folders


def _decoded(name: bytes, is_utf8: bool) -> str:
    """The name as text. 4.4.4 allows UTF-8 and code page 437, but many zips use other encodings.

    ASCII characters, and so all suffixes of code, are the same in all of them.
    """
    try:
        text = name.decode()
    except UnicodeDecodeError:
        if is_utf8:
            raise unsafe(f"The name {printable(name)} is not a file name.") from None
        text = HALF_A_CHARACTER.sub(rb"\1_", name).decode("cp437")
    if not is_utf8 and not text.isascii():
        _check_code_pages(name, text)
    return text


def _check_code_pages(name: bytes, text: str) -> None:
    """Check that ``name``, decoded to ``text``, has the same suffix in all code pages.

    Info-ZIP's unzip replaces some bytes above 127 by letters, and drops others.
    """
    last = _last(text)
    without = last.encode("ascii", "ignore").decode()
    by_backslash = _last(name.decode("cp437").replace("\\", "/"))
    kinds = {names_code(last), names_code(without), names_code(by_backslash)}
    if len(kinds) > 1 or SUFFIX_ABOVE_ASCII.search(last):
        raise unsafe(f"The name {printable(name)} is another one in another code page.")


def _checked(name: str, longest: int) -> str:
    try:
        return checked(name, longest)
    except UnsafeName as problem:
        raise unsafe(str(problem)) from None


def _same_meaning(path: str, second: str) -> bool:
    """Whether both can be names of one file in two code pages: same depth, suffix and language."""
    parts, others = path.split("/"), second.split("/")
    return (
        len(parts) == len(others)
        and _suffix(path) == _suffix(second)
        and names_code(parts[-1]) == names_code(others[-1])
        # ASCII is the same in all code pages, so ASCII parts must be equal.
        and all(one == other for one, other in zip(parts, others, strict=True) if other.isascii())
    )


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.casefold()


def _is_folder(name: bytes) -> bool:
    return name.endswith(b"/")


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def unsafe(message: str) -> ScanError:
    """The error for an entry that could be a different file on another system."""
    return ScanError(
        "UnsafeEntry",
        message,
        # Zipping the same files again would not help.
        "Rename that file or link, or leave it out; then zip the code again and upload it.",
    )
