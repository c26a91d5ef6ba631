"""Two small sample apps, and zips of them as a developer would make them."""

import io
import re
import zipfile
from pathlib import Path

SAMPLES = Path(__file__).parent


def packed(folder: Path) -> bytes:
    """Zip a folder of sources."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                target.write(path, path.relative_to(folder))
    return buffer.getvalue()


def key_for(name: str) -> str:
    """The upload key of a zip of that name; what an app's name cannot contain becomes ``-``."""
    stem = name.removesuffix(".zip")
    app = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")[:64] or "app"
    return f"{app}/{stem}.zip"
