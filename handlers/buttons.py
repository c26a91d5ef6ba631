"""What a card binds for the custom actions: a button appears where its function is named.

The names of the keys are those in ``components/buttons.py``.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

REGION = os.environ["AWS_REGION"]
APPROVAL_FUNCTION = os.environ["APPROVAL_FUNCTION"]
# The team's own: ``{key: {function, outcomes, again}}``; ``again`` is one that scans again.
TEAM: Mapping[str, Mapping[str, Any]] = json.loads(os.environ["TEAM_BUTTONS"])
OURS = {"failed": "Decide", "escalated": "Decide", "approved": "Withdraw", "expiring": "Withdraw"}


def of(
    outcome: str, scan: str, *, decidable: bool = True, retryable: bool = True
) -> dict[str, str] | None:
    """Return the additionalContext of the card of ``outcome``, None where it has no buttons.

    Without ``retryable`` nothing is offered that only scans the same bytes again.
    """
    functions = {
        key: button["function"]
        for key, button in TEAM.items()
        if outcome in button["outcomes"] and (retryable or not button["again"])
    }
    if decidable and outcome in OURS:
        functions[OURS[outcome]] = APPROVAL_FUNCTION
    return {**functions, "Region": REGION, "Scan": scan} if functions else None
