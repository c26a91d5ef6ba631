"""The state transitions of an upload on each path are those that docs/cost.md bills."""

import re
from pathlib import Path

import pytest

from tests.simulation.paths import PATHS, states

DOCUMENT = Path(__file__).parents[2] / "docs" / "cost.md"
# Dollars for 1,000 transitions (docs/cost.md, prices).
PRICE = 0.025


@pytest.fixture(scope="module")
def entered() -> dict[str, list[str]]:
    return {path: states(path) for path in PATHS}


def test_the_docs_bill_the_states_that_are_entered(entered: dict[str, list[str]]):
    table = DOCUMENT.read_text().split("## State transitions")[1].split("##")[0]
    billed = re.findall(r"^\| (.+?) \| (\d+) \| ([\d.]+) \|$", table, re.MULTILINE)

    assert billed == [
        (path, str(len(names)), f"{len(names) * PRICE:.3f}") for path, names in entered.items()
    ]


def test_the_usual_lifecycles_take_few_states(entered: dict[str, list[str]]):
    assert entered["passed"] == [
        "OpenScan",
        "IsNewScan",
        "Scan",
        "CheckBuildStatus",
        "TagStatus",
        "RouteByStatus",
        "Done",
    ]
    assert entered["duplicate event"] == ["OpenScan", "IsNewScan", "DuplicateEvent"]


def test_paths_are_what_their_names_say(entered: dict[str, list[str]]):
    def times(path: str, state: str) -> int:
        return entered[path].count(state)

    for path in PATHS:
        notified = times(path, "Notify")
        assert times(path, "PipelineError") == 0, path
        assert notified == sum(
            word in path
            for word in (
                "escalated", "approved", "reminded", "rejected", "expired", "withdrawn",
                "superseded",
            )
        ), path  # fmt: skip
    assert times("the same, as first in a storm", "PublishCard") == 2
    assert times("the same, later in a storm", "WaitForDigest") == 1
    assert times("rejected, with the approver's name", "WaitForAuditLog") == 1
