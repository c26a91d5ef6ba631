"""Resolves the symbolic links of a zip, which must lead to a file or folder of the zip."""

from collections.abc import Container, Mapping

from .archive_names import UnsafeName, printable

# Linux's limits: links followed for one path (path_resolution(7)), and bytes of a target.
MOST_LINKS, LONGEST_TARGET = 40, 4095


def lead_to(
    links: Mapping[str, str], files: Container[str], folders: Container[str]
) -> dict[str, str]:
    """Return the path of the file or folder that each of ``links`` (path to target) leads to.

    Raises:
        UnsafeName: a link leads out of the zip or to nothing.
    """
    ends: dict[str, str] = {}
    for path in links:
        ends[path] = _end(path, links, ends, files, folders)
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
                raise UnsafeName(f"{printable(link)} is a link that leaves the zip.")
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
                raise UnsafeName(f"{printable(link)} is a link that leads to itself.")
            here.pop()
            ahead += reversed(_parts(link, links[path]))
            continue
        if path not in folders and (path not in files or ahead):
            raise UnsafeName(f"{printable(link)} is a link to something that is not in the zip.")
    return "/".join(here)


def _parts(link: str, target: str) -> list[str]:
    if target.startswith("/") or "\\" in target or target[1:2] == ":":
        raise UnsafeName(f"{printable(link)} is a link that leaves the zip.")
    if not target:
        raise UnsafeName(f"{printable(link)} is a link to something that is not in the zip.")
    return target.split("/")
