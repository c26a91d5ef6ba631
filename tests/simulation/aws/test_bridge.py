"""EventBridge in the simulator: at-least-once delivery, retried until the target accepts it."""

from fnmatch import fnmatch
from random import Random
from typing import Any

import pytest

from components.pipeline import FOLLOWED
from tests.simulation.aws.bridge import ANSWERS, EventBridge
from tests.simulation.aws.faults import Faults, Plan
from tests.simulation.aws.network import Network
from tests.simulation.aws.scheduler import Future, Scheduler

KEY = "scans/payments/1/decision.json"


class Functions:
    """Functions that fail a given number of times, and record time and event of each invocation."""

    def __init__(self, scheduler: Scheduler, fails: int) -> None:
        self._scheduler, self._fails = scheduler, fails
        self.invoked: list[tuple[str, str, float]] = []

    def invoke(self, name: str, event: Any) -> Future:
        self.invoked.append((name, event["detail"]["object"]["key"], self._scheduler.now))
        ended, self._fails = Future(), self._fails - 1
        ended.set(("failed", ("E", "")) if self._fails >= 0 else ("done", None))
        return ended


def notified(bucket: str, key: str, *plans: Plan, fails: int = 0, seed: int = 1) -> list[Any]:
    scheduler = Scheduler(seed)
    network = Network(scheduler, Faults(plans, Random(seed), [], jitter=False))
    functions = Functions(scheduler, fails)
    bridge = EventBridge(scheduler, network, None, functions, "artifacts")  # type: ignore[arg-type]
    bridge.created(bucket, key)
    scheduler.run()
    return functions.invoked


def test_an_event_is_delivered_once_and_sometimes_twice():
    counts = {len(notified("artifacts", KEY, seed=seed)) for seed in range(60)}

    assert counts == {1, 2}


@pytest.mark.parametrize(
    ("bucket", "key"),
    [("work", KEY), ("artifacts", "scans/payments/1/gate-result.json")],
    ids=["another bucket", "another document"],
)
def test_an_event_that_no_rule_matches_is_not_delivered(bucket, key):
    assert notified(bucket, key) == []


def test_an_undelivered_event_is_delivered_again():
    plan = Plan(caller="EventBridge", n=1, fault="throttled", times=5)

    [(name, key, when)] = notified("artifacts", KEY, plan)

    assert (name, key) == ("callback", KEY)
    assert when > 10


def test_a_function_that_fails_is_invoked_twice_more():
    first, second, third = (when for _, _, when in notified("artifacts", KEY, fails=5))

    assert 60 < second - first < 61
    assert 120 < third - second < 121


def test_the_rule_for_evidence_is_the_deployed_one() -> None:
    """The state machine learns of the same documents here as it does on AWS."""
    folders = ("extensions", "approvals", "actions", "other")
    keys = [f"scans/payments/1/{folder}/1.json" for folder in folders]
    names = ("scan", "uploader", "report", "gate-result", "decision", "withdrawal")
    keys += [f"scans/payments/1/{name}.json" for name in names]

    deployed = [
        key
        for key in keys
        if any(
            key.endswith(rule["suffix"]) if "suffix" in rule else fnmatch(key, rule["wildcard"])
            for rule in FOLLOWED
        )
    ]

    assert [key for key in keys if ANSWERS.fullmatch(key)] == deployed
