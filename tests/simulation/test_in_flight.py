"""Executions of an older definition continue with the current functions.

docs/in-flight.md lists the requests and responses between them.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import campaign
from tests.simulation.model import check
from tests.simulation.scenario import run
from tests.support.definitions import RELEASED, WAITS, current, released, versions

ROOT = Path(__file__).parents[2]
SEEDS = 20


def git(*arguments: str) -> str:
    """The output of git; empty if the command fails or there is no repository."""
    result = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return result.stdout


def test_the_latest_stored_definition_is_the_current_one():
    latest = versions()[-1]
    tagged = git("tag", "--list", f"v{latest}").strip()
    version = "<the next version>" if tagged else latest

    assert released(latest) == current(), (
        f"the definition has changed: python -m tests.support.definitions {version}"
    )


@pytest.mark.parametrize("version", versions())
def test_the_definition_of_a_tagged_version_has_not_changed_since(version: str):
    path = (RELEASED / f"{version}.json").relative_to(ROOT)
    as_tagged = git("show", f"v{version}:{path}")

    assert as_tagged in ("", (ROOT / path).read_text())


@pytest.mark.parametrize("version", versions())
def test_current_functions_serve_executions_of_released_definitions(version: str):
    definition = released(version)
    waits = {"decide": WAITS.decide, "escalate": WAITS.escalate, "remind": WAITS.remind}
    waits |= {"approver_seconds": WAITS.audit, "failure_emails": True}

    wrong: dict[int, list[str]] = {}
    for seed in range(SEEDS):
        scenario: dict[str, Any] = campaign.scenario(seed)
        scenario["settings"] |= waits
        result = check(run(scenario, definition=definition))
        if result:
            wrong[seed] = [f"{item.kind}: {item.what}" for item in result]

    assert wrong == {}
