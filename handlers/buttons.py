"""What a card binds for the custom actions: a button appears where its function is named.

The names of the keys are those in ``components/buttons.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OURS = {"failed": "Decide", "escalated": "Decide", "approved": "Withdraw", "expiring": "Withdraw"}


@dataclass(frozen=True, kw_only=True)
class Buttons:
    """What the buttons call, in ``region``: ours ``approval_function``, the team's own ``custom``.

    ``custom`` is ``{key: {function, outcomes, again}}``; ``again`` is one that scans again.
    """

    region: str
    approval_function: str
    custom: Mapping[str, Mapping[str, Any]]

    def of(
        self, outcome: str, scan: str, *, decidable: bool = True, retryable: bool = True
    ) -> dict[str, str] | None:
        """Return the additionalContext of the card of ``outcome``, None where it has no buttons.

        Without ``retryable`` nothing is offered that only scans the same bytes again.
        """
        functions = {
            key: button["function"]
            for key, button in self.custom.items()
            if outcome in button["outcomes"] and (retryable or not button["again"])
        }
        if decidable and outcome in OURS:
            functions[OURS[outcome]] = self.approval_function
        return {**functions, "Region": self.region, "Scan": scan} if functions else None
