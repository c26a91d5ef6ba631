"""Resolves the symbolic links of a zip, which must lead to a file or folder of the zip.

Python, Java and Windows unpack a link as a file that contains its target's name; this must not be
code.
"""

import re
from collections.abc import Container, Mapping

from domain import archive_links
from domain.archive_names import UnsafeName
from scan.language import names_code
from scan.zip_names import unsafe
from scan.zip_records import printable

# In no language does a file with such a name alone run anything.
ONLY_A_NAME = re.compile(r"[\w./@+~-]+")


def lead_to(
    links: Mapping[str, str], files: Container[str], folders: Container[str]
) -> dict[str, str]:
    """The path of the file or folder that each of ``links`` (path to target) leads to.

    Raises:
        ScanError: a link leads out of the zip or to nothing, or changes what a file is taken for.
    """
    try:
        ends = archive_links.lead_to(links, files, folders)
    except UnsafeName as problem:
        raise unsafe(str(problem)) from None
    for path, target in links.items():
        _check_kind(path, target, ends[path])
    return ends


def _check_kind(link: str, target: str, end: str) -> None:
    code = names_code(link.rpartition("/")[2])
    if code and code != names_code(end.rpartition("/")[2]):
        raise unsafe(f"{printable(link)} is a link that gives {printable(end)} another suffix.")
    if code and not ONLY_A_NAME.fullmatch(target):
        raise unsafe(f"{printable(link)} is a link whose target's name could be run as code.")
