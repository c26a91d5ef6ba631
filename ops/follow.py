"""Follows a scan until its result, by what an uploader may read: evidence and status."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ops import stack
from ops.ending import Ending
from ops.formats import ResultOptions


class WaitFor(StrEnum):
    """Until when a scan is followed: the result of its gate, or people's decision if it failed."""

    gate = "gate"
    decision = "decision"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The scan to follow; a further attempt of the same version is followed instead of it.

    ``key`` is that of the upload, empty where only the scan's id is known. ``timeout`` is in
    seconds; None: an hour for the gate's result, and as long as people may decide.
    """

    scan: str
    key: str = ""
    wait_for: WaitFor = WaitFor.gate
    timeout: int | None = None


def until(environment: stack.Stack, target: Target) -> Ending:
    """Follow the scan until its result; show each step on stderr.

    Raises:
        CommandError: the evidence cannot be read, for example without the right to.
    """
    raise NotImplementedError


def finish(
    environment: stack.Stack,
    target: Target,
    options: ResultOptions,
    about: Mapping[str, Any] | None = None,
) -> int:
    """Follow the scan, print and write its result, return the exit code.

    ``about`` are fields that ``--json`` prints before the result's, for example of the upload.
    """
    raise NotImplementedError
