"""Makes zips, including malicious ones."""

import io
import stat
import zipfile
from collections.abc import Mapping

GOOD = {"shop/prices.py": "def total(prices):\n    return sum(prices)\n"}
BAD = {
    "shop/archive.py": (
        "import subprocess\n\n\ndef archive(folder):\n"
        "    subprocess.call('tar czf /tmp/a.tgz ' + folder, shell=True)\n"
    )
}


def zipped(files: Mapping[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of ``files``, name to content."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", packing) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive.getvalue()


def entry(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    """An entry whose Unix mode says what ``kind`` it is; ``name`` is kept as it is."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.create_system = 3
    info.external_attr = (kind | 0o644) << 16
    return info


def zipped_entries(*entries: tuple[zipfile.ZipInfo, str | bytes]) -> bytes:
    """A zip of ``entries`` as they are, the same name twice included."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for info, content in entries:
            opened.writestr(info, content)
    return archive.getvalue()
