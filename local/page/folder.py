"""The zip that a dropped folder is uploaded as."""

import io
import shutil
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

FILES = 20_000  # maximum files in one folder


def zipped(files: Iterable[tuple[str, BinaryIO]]) -> bytes:
    """Return a zip of all ``(path, content)``; the scan reports which ones it does not analyse.

    Raises:
        ValueError: a path leads out of the folder or occurs twice; the message is for users.
    """
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files:
            if not _is_inside(path):
                raise ValueError(f"{path!r} is no path of a file inside a folder.")
            if path in archive.NameToInfo:
                raise ValueError(f"{path!r} is in the folder twice.")
            # Browsers do not send modification times: ZipInfo's default is 1 January 1980.
            with archive.open(zipfile.ZipInfo(path), "w") as entry:
                shutil.copyfileobj(content, entry)
    return body.getvalue()


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return not ({"", ".", ".."} & {*parts}) and not ({"\\", "\0"} & {*path})
