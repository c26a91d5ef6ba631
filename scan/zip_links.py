"""Resolves the symbolic links of a zip, which must lead to a file or folder of the zip.

Python, Java and Windows unpack a link as a file that contains its target's name; this must not be
code.
"""

import re
from collections.abc import Container, Mapping

from scan.language import names_code
from scan.zip_names import unsafe
from scan.zip_records import printable

# Linux's limits: links followed for one path (path_resolution(7)), and bytes of a target.
MOST_LINKS, LONGEST_TARGET = 40, 4095
# In no language does a file with such a name alone run anything.
ONLY_A_NAME = re.compile(r"[\w./@+~-]+")


def lead_to(
    links: Mapping[str, str], files: Container[str], folders: Container[str]
) -> dict[str, str]:
    """The path of the file or folder that each of ``links`` (path to target) leads to.

    Raises:
        ScanError: a link leads out of the zip or to nothing, or changes what a file is taken for.
    """
    ends: dict[str, str] = {}
    for path, target in links.items():
        ends[path] = _end(path, links, ends, files, folders)
        _check_kind(path, target, ends[path])
    return ends


def _end(
    link: str,
    links: Mapping[str, str],
    ends: Mapping[str, str],
    files: Container[str],
    folders: Container[str],
) -> str:
    here, followed = link.split("/"), 0
    ahead = [here.pop()]
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                raise unsafe(f"{printable(link)} is a link that leaves the zip.")
            here.pop()
            continue
        here.append(part)
        path = "/".join(here)
        if path in ends:
            here = ends[path].split("/") if ends[path] else []
            path = ends[path]
        elif path in links:
            followed += 1
            if followed > MOST_LINKS:
                raise unsafe(f"{printable(link)} is a link that leads to itself.")
            here.pop()
            ahead += reversed(_parts(link, links[path]))
            continue
        if path not in folders and (path not in files or ahead):
            raise unsafe(f"{printable(link)} is a link to something that is not in the zip.")
    return "/".join(here)


def _parts(link: str, target: str) -> list[str]:
    if target.startswith("/") or "\\" in target or target[1:2] == ":":
        raise unsafe(f"{printable(link)} is a link that leaves the zip.")
    if not target:
        raise unsafe(f"{printable(link)} is a link to something that is not in the zip.")
    return target.split("/")


def _check_kind(link: str, target: str, end: str) -> None:
    code = names_code(link.rpartition("/")[2])
    if code and code != names_code(end.rpartition("/")[2]):
        raise unsafe(f"{printable(link)} is a link that gives {printable(end)} another suffix.")
    if code and not ONLY_A_NAME.fullmatch(target):
        raise unsafe(f"{printable(link)} is a link whose target's name could be run as code.")
