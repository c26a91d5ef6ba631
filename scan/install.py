"""Installs the scanner, before any package is there: ``python -m scan.install``.

pip gets the proxy from the build's variables; this module adds the private certificate authorities
and the package index of the settings.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from pip._vendor import certifi

from scan import trust


def main() -> int:
    """Install the packages of the scanners in ``SCANNERS``; returns pip's exit code."""
    names = set(json.loads(os.environ["SCANNERS"]))
    locks = {"sonarqube" if name == "sonarqube" else "sarif" for name in names}
    requirements = [Path(__file__).parent / f"requirements-{lock}.txt" for lock in sorted(locks)]
    with tempfile.TemporaryDirectory() as folder:
        both = trust.bundle(trust.own(), Path(folder), Path(certifi.where()))
        command = (
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            "--require-hashes",
            *(part for file in requirements for part in ("--requirement", file)),
        )
        return subprocess.run(command, check=False, env=environment(os.environ, both)).returncode


def environment(given: Mapping[str, str], both: Path | None) -> dict[str, str]:
    """Return pip's variables; the credentials are in none that another program gets.

    pip does not show the password of an index: https://pip.pypa.io/en/stable/topics/authentication/
    """
    variables = dict(given)
    credentials = variables.pop("PACKAGE_INDEX_CREDENTIALS", "").strip()
    if url := variables.get("PACKAGE_INDEX_URL"):
        variables["PIP_INDEX_URL"] = with_credentials(url, credentials)
    if both:
        variables["PIP_CERT"] = str(both)
    return variables


def with_credentials(url: str, credentials: str) -> str:
    """Return ``url`` with ``user:password``, quoted, if there are any."""
    if not credentials:
        return url
    user, _, password = credentials.partition(":")
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(user, '')}:{quote(password, '')}@{rest}"


if __name__ == "__main__":
    sys.exit(main())
