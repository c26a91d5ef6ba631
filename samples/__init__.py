"""Two small sample apps, and zips of them as a developer would make them."""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

SAMPLES = Path(__file__).parent


def packed(folder: Path) -> bytes:
    """Zip a folder of sources."""
    return zipped(
        {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Zip files, by path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for path, content in files.items():
            # With ZipInfo's date, not today's: the same files make the same zip.
            target.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def key_for(name: str) -> str:
    """The upload key of a zip of that name; what an app's name cannot contain becomes ``-``."""
    stem = name.removesuffix(".zip")
    app = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")[:64] or "app"
    return f"{app}/{stem}.zip"
