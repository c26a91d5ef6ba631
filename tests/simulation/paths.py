"""The paths of an upload through the state machine, one scenario each, without faults.

``states(path)`` are the states that its execution enters, which Step Functions bills.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tests.simulation.aws import account
from tests.simulation.scenario import run
from tests.simulation.trace import Settings
from tests.support.definitions import NAMES

HOUR, DAY = 3600, 24 * 3600
SETTINGS = {
    "decide": 3 * DAY,
    "escalate": 0,
    "exception": 30 * DAY,
    "longest": 90 * DAY,
    "remind": DAY,
    "approver_seconds": 0,
}
ESCALATED = {"escalate": DAY}
APPROVER = {"approver_seconds": 30}
LATE = 3 * DAY - HOUR


def _upload(
    gate: str, key: str = "payments/api.zip", plus: float = 0, **more: Any
) -> dict[str, Any]:
    scans = [{"gate": gate, "seconds": 30}]
    start = {"after": "start", "plus": plus}
    return {"key": key, "when": start, "scans": scans, "events": [0.5], **more}


def _act(verb: str, after: str = "card 0 1", plus: float = 60, **more: Any) -> dict[str, Any]:
    return {"do": verb, "of": 0, "when": {"after": after, "plus": plus}, **more}


def _scenario(
    *uploads: dict[str, Any], actions: Iterable[dict[str, Any]] = (), **settings: int
) -> dict[str, Any]:
    return {
        "seed": 7,
        "skew": 0.0,
        "jitter": False,
        "settings": {**SETTINGS, **settings},
        "uploads": list(uploads),
        "actions": list(actions),
        "faults": [],
        "outages": [],
    }


def _decided(*actions: dict[str, Any], **settings: int) -> dict[str, Any]:
    return _scenario(_upload("failed"), actions=actions, **settings)


_NEWER = _upload("passed", when={"after": "card 0 1", "plus": 60})
_SHORT, _LONG = _act("approve", days="12h"), _act("approve", days="14d")
_WITHDRAWN = _act("withdraw", after="tag 0 approved", plus=HOUR)
_WITHDRAWN_LATE = _act("withdraw", after="reminder 0", plus=HOUR)
_STORM = [_upload("error", f"app-{number}/api.zip", 2 * number) for number in range(5)]
# The number of cards with threads of their own (DIGEST_AFTER, tests/handlers/conftest.py).
_OWN_THREADS = 3

# By the path's name: the scenario, and the number of the execution in it, from 0.
PATHS: dict[str, tuple[dict[str, Any], int]] = {
    "passed": (_scenario(_upload("passed")), 0),
    "duplicate event": (_scenario(_upload("passed", events=[0.5, 3])), 1),
    "key without an app's name": (_scenario(_upload("passed", "a b/api.zip")), 0),
    "scan failed to run": (_scenario(_upload("error")), 0),
    "the same, as first in a storm": (_scenario(*_STORM), _OWN_THREADS),
    "the same, later in a storm": (_scenario(*_STORM), _OWN_THREADS + 1),
    "rejected": (_decided(_act("reject")), 0),
    "superseded": (_scenario(_upload("failed"), _NEWER), 0),
    "request expired": (_decided(), 0),
    "escalated, then rejected": (_decided(_act("reject", plus=LATE), **ESCALATED), 0),
    "escalated, then request expired": (_decided(**ESCALATED), 0),
    "approved, then expired": (_decided(_SHORT), 0),
    "approved, then withdrawn": (_decided(_LONG, _WITHDRAWN), 0),
    "approved, reminded, then expired": (_decided(_LONG), 0),
    "approved, reminded, then withdrawn": (_decided(_LONG, _WITHDRAWN_LATE), 0),
    "escalated, approved, reminded, then expired": (
        _decided(_act("approve", plus=LATE, days="14d"), **ESCALATED),
        0,
    ),
    "escalated, approved, reminded, then withdrawn": (
        _decided(_act("approve", plus=LATE, days="14d"), _WITHDRAWN_LATE, **ESCALATED),
        0,
    ),
    "rejected, with the approver's name": (_decided(_act("reject"), **APPROVER), 0),
    "approved, reminded, then expired, with the approver's name": (
        _decided(_LONG, **APPROVER),
        0,
    ),
}


def states(path: str) -> list[str]:
    """Return the names of the states that the execution of ``path`` enters, in order.

    No ``escalationTopic`` is set, as by default.
    """
    scenario, number = PATHS[path]
    names = replace(NAMES, escalation_topic="")
    machine = account.pipeline(Settings(**scenario["settings"]), names=names)
    return list(run(scenario, definition=machine).entered.values())[number]
