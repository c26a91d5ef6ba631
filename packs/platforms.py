"""The platforms that packs are made for: those of the builds, and this machine's own."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from typing import NamedTuple

_LOCAL = "CHATOPS_LOCAL_BUILDS"
HERE = "here"
ARCHITECTURES = ("x86_64", "arm64")
# As Go names machines: https://go.dev/doc/install/source#environment
GO = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


class Platform(NamedTuple):
    """``name`` is part of file names, ``option`` what ``python -m packs --for`` calls it.

    ``uv`` are the options by which uv selects wheels, ``go`` is Go's system and architecture.
    """

    name: str
    option: str
    uv: tuple[str, ...]
    go: tuple[str, str]


def of_builds(architecture: str) -> Platform:
    """The platform of a build image, for the setting ``architecture``.

    Amazon Linux 2023 has glibc 2.34 (https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html);
    the Python is that of scan/buildspec.yml.
    """
    if os.environ.get(_LOCAL):
        return of_this_machine()
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture]
    wheels = f"{machine}-manylinux_2_34"
    return Platform(
        f"linux-{architecture}-3.14",
        architecture,
        ("--python-version", "3.14", "--python-platform", wheels),
        ("linux", GO[architecture]),
    )


@contextlib.contextmanager
def builds_run_here() -> Iterator[None]:
    """During the ``with``, builds are those of the local account, which run on this machine.

    It is a variable of the environment, so that the program in a wheel knows it, too.
    """
    os.environ[_LOCAL] = "1"
    try:
        yield
    finally:
        del os.environ[_LOCAL]


def of_this_machine() -> Platform:
    """The platform of the Python that runs this, for builds of the local account."""
    version = ".".join(map(str, sys.version_info[:2]))
    system, machine = platform.system().lower(), platform.machine().lower()
    return Platform(
        f"this-{system}-{machine}-{version}",
        HERE,
        ("--python", sys.executable),
        (system, GO.get(machine, machine)),
    )
