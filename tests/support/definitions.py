"""The state machine's definition with names that stay the same, and the one of each release.

    python -m tests.support.definitions 2.0.0

writes today's to ``tests/fixtures/definitions/2.0.0.json``. Executions live for up to a year with
the definition that they began with, so the functions of today must serve all that were released
(docs/in-flight.md). Until a version is tagged its file follows the program; then it never changes.
"""

import json
import sys
from pathlib import Path
from typing import Any

from components.state_machine import Waits, definition
from components.states import Names

RELEASED = Path(__file__).parents[1] / "fixtures" / "definitions"
HOUR = 3600
# Functions have the names of their modules, so the simulation can call them.
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
    """Return today's definition with every option on."""
    return definition(NAMES, build_seconds=BUILD_SECONDS, waits=WAITS)


def versions() -> list[str]:
    """Return the versions whose definitions are kept, oldest first."""
    names = (path.stem for path in RELEASED.glob("*.json"))
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


def released(version: str) -> dict[str, Any]:
    """Return the definition of ``version``."""
    return json.loads((RELEASED / f"{version}.json").read_text())


def main(version: str) -> None:
    """Write today's definition as that of ``version``."""
    RELEASED.mkdir(parents=True, exist_ok=True)
    (RELEASED / f"{version}.json").write_text(json.dumps(current(), indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
