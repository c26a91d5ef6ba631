"""Names of files in a zip that mean the same file on every system; others are refused."""

import re
import unicodedata

# Linux's limits in bytes: NAME_MAX for each part of a path, PATH_MAX less a NUL for all of it.
LONGEST_NAME, LONGEST_PATH = 255, 4095
# Controls, line and paragraph separators, bidirectional controls (UAX 9), lone surrogates.
FORBIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Finder's file with the icon of a folder, and its AppleDouble file.
FINDER_ICONS = {"Icon\r", "._Icon\r"}
# Info-ZIP's unzip drops a VMS version (`;1`); on NTFS `a::$DATA` is the file `a`.
DROPPED = re.compile(r";\d*\Z|:\$data\Z", re.IGNORECASE)
# HFS+ ignores these when it compares names: joiners, directional marks, variation selectors.
IGNORED = re.compile("[\u00ad\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff]")


class UnsafeName(ValueError):
    """A name or a link that could be another file on another system; the message says which."""


def checked(name: str, longest: int = LONGEST_PATH) -> str:
    """Return ``name`` as a relative path of at most ``longest`` bytes, empty for the root folder.

    Raises:
        UnsafeName: systems could interpret it differently.
    """
    if name.endswith("\\"):
        raise UnsafeName(
            f"The name {printable(name)} ends in a backslash: is it a file or a folder?"
        )
    # Windows tools write backslashes.
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or name[1:2] == ":":
        raise UnsafeName(f"The name {printable(name)} leaves the folder that it is unpacked to.")
    has_forbidden = FORBIDDEN.search(name) and (
        parts[-1:] == [] or parts[-1] not in FINDER_ICONS or FORBIDDEN.search("".join(parts[:-1]))
    )
    if has_forbidden or not (parts or name.endswith("/")):
        raise UnsafeName(f"The name {printable(name)} is not a file name.")
    if any(part[-1] in ". " for part in parts):
        raise UnsafeName(
            f"In {printable(name)} a name ends in a dot or a space, which Windows drops."
        )
    if parts and DROPPED.search(parts[-1]):
        raise UnsafeName(f"Some unzippers drop the end of the name {printable(name)}.")
    path = "/".join(parts)
    if len(path) * 4 > LONGEST_NAME and (
        len(path.encode()) > longest or max(len(part.encode()) for part in parts) > LONGEST_NAME
    ):
        raise UnsafeName(f"The name {printable(name)} is too long.")
    return path


def folded(path: str) -> str:
    """Return a form that is equal for names that Windows or macOS treat as the same."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", IGNORED.sub("", path)).casefold()


def printable(name: str) -> str:
    """Return an untrusted name quoted, escaped and cut, for messages."""
    return ascii(name if len(name) <= 80 else f"{name[:80]}...")
