"""Runs SonarSource's scanner with only the settings from standard input.

The command pysonar also reads settings from the project and the environment. This module calls its
functions instead, so that the upload cannot change settings, and the token is neither on a command
line nor in the environment. The input is JSON: the ``properties`` of the analysis, the folders
``cache`` and ``private``, and ``ca``, a PEM file or null.
"""

import fcntl
import json
import logging
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import certifi
from pysonar_scanner import __main__ as pysonar
from pysonar_scanner.cache import Cache
from pysonar_scanner.configuration import dynamic_defaults_loader
from pysonar_scanner.configuration.configuration_loader import get_static_default_properties
from pysonar_scanner.version import get_version


class _SharedCache(Cache):
    """Shares downloads between builds, but not what is unpacked from them.

    pysonar unpacks Java again for every analysis, over files that another one may be running.
    """

    def __init__(self, folder: Path, private: Path) -> None:
        super().__init__(folder)
        self._private = private

    def get_file_path(self, filename: str) -> Path:
        path = super().get_file_path(filename)
        return self._private / filename if filename.endswith("_unzip") else path


def main(order: dict[str, Any]) -> int:
    """Analyse and return the engine's exit code."""
    config = {
        **get_static_default_properties(),
        **dynamic_defaults_loader.load(),
        "sonar.scanner.appVersion": get_version(),
        **order["properties"],
    }
    api = pysonar.build_api(config)
    pysonar.update_config_with_api_urls(config, api.base_urls)
    folder = Path(order["cache"])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache = _SharedCache(folder, Path(order["private"]))
        engine = pysonar.create_scanner_engine(api, cache, config)
    if order["ca"]:
        config |= _trust(Path(order["ca"]), Path(config["sonar.scanner.javaExePath"]).parent)
    return engine.run(config)


def _trust(ca: Path, java: Path) -> dict[str, str]:
    """Properties that make the engine trust the CAs in the PEM file ``ca`` (see ``scan.trust``).

    Java needs a keystore, and keytool takes about a second for each certificate. So the keystore
    has only the CAs that are not public; the engine trusts the public ones anyway.
    """
    store, password = ca.with_suffix(".p12"), secrets.token_urlsafe()
    marker = "-----BEGIN CERTIFICATE-----"
    for number, rest in enumerate(_own(ca.read_text()).split(marker)[1:]):
        subprocess.run(
            [
                java / "keytool",
                *("-importcert", "-noprompt", "-trustcacerts", "-storetype", "PKCS12"),
                *("-keystore", store, "-storepass:env", "STORE", "-alias", f"ca-{number}"),
            ],
            input=marker + rest,
            text=True,
            check=True,
            env={"STORE": password},
        )
    return {
        "sonar.scanner.truststorePath": str(store),
        "sonar.scanner.truststorePassword": password,
    }


def _own(bundle: str) -> str:
    return bundle.removeprefix(Path(certifi.where()).read_text())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    try:
        sys.exit(main(json.load(sys.stdin)))
    except Exception as error:
        logging.getLogger(__name__).error("%s: %s", type(error).__name__, error)
        sys.exit(1)
