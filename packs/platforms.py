"""The platforms that packs are made for: those of the builds, and this machine's own."""

import os
import platform
import sys
from typing import NamedTuple

# Set by the local account, whose builds run on this machine.
LOCAL = "CHATOPS_LOCAL_BUILDS"


class Platform(NamedTuple):
    """``name`` is part of file names; ``uv`` are the options by which uv selects wheels."""

    name: str
    uv: tuple[str, ...]


def of_builds(architecture: str) -> Platform:
    """The platform of a build image, for the setting ``architecture``.

    Amazon Linux 2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html);
    the Python is that of scan/buildspec.yml.
    """
    if os.environ.get(LOCAL):
        return of_this_machine()
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture]
    wheels = f"{machine}-manylinux_2_34"
    return Platform(
        f"linux-{architecture}-3.14",
        ("--python-version", "3.14", "--python-platform", wheels),
    )


def of_this_machine() -> Platform:
    """The platform of the Python that runs this, for builds of the local account."""
    version = ".".join(map(str, sys.version_info[:2]))
    name = f"{platform.system()}-{platform.machine()}-{version}".lower()
    return Platform(f"this-{name}", ("--python", sys.executable))
