"""The state machine's definition with fixed names, and the definition of each release.

    python -m tests.support.definitions 2.0.0

writes the current one to ``tests/fixtures/definitions/2.0.0.json``. Executions run for up to a
year with the definition that they started with, so the current functions must serve all released
ones (docs/in-flight.md). A version's file follows the program until it is tagged, then never
changes.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.state_machine import Waits, definition
from components.states import Names

RELEASED = Path(__file__).parents[1] / "fixtures" / "definitions"
HOUR = 3600
# Functions are named after their modules, so that the simulation can call them.
NAMES = Names(
    project="scan",
    topic_arn="channel",
    escalation_topic="on-call",
    open_scan="open-scan",
    callback="callback",
    check_build_status="check-build-status",
    notify="notify",
    region="eu-central-1",
)
# Every option is on.
WAITS = Waits(decide=72 * HOUR, escalate=12 * HOUR, remind=24 * HOUR, audit=30)
BUILD_SECONDS = 3600


def current() -> dict[str, Any]:
    """Return the current definition with every option on."""
    return definition(NAMES, build_seconds=BUILD_SECONDS, waits=WAITS, failure_emails=True)


def plain() -> dict[str, Any]:
    """Return the current definition with every option off."""
    return definition(
        replace(NAMES, escalation_topic=""),
        build_seconds=BUILD_SECONDS,
        waits=Waits(decide=WAITS.decide, escalate=0, remind=0, audit=0),
        failure_emails=False,
    )


def versions() -> list[str]:
    """Return the versions whose definitions are stored, oldest first."""
    names = (path.stem for path in RELEASED.glob("*.json"))
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


def released(version: str) -> dict[str, Any]:
    """Return the definition of ``version``."""
    return json.loads((RELEASED / f"{version}.json").read_text())


def main(version: str) -> None:
    """Write the current definition as that of ``version``."""
    RELEASED.mkdir(parents=True, exist_ok=True)
    (RELEASED / f"{version}.json").write_text(json.dumps(current(), indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
