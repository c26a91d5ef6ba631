"""The context of a card that makes buttons appear: each shows if its function's key is set.

The keys are defined in ``components/buttons.py``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

OURS = {"failed": "Decide", "escalated": "Decide", "approved": "Withdraw", "expiring": "Withdraw"}


class Buttons(NamedTuple):
    """The functions behind the buttons, in ``region``: ``approval_function``, and the team's own.

    ``custom`` is ``{key: {function, outcomes, again}}``; ``again`` marks a button that scans again.
    """

    region: str
    approval_function: str
    custom: Mapping[str, Mapping[str, Any]]

    def of(
        self, outcome: str, scan: str, *, decidable: bool = True, retryable: bool = True
    ) -> dict[str, str] | None:
        """Return the additionalContext of the card for ``outcome``, None if it has no buttons.

        If not ``decidable``, it has none of our own buttons; if not ``retryable``, none that scan
        the same bytes again.
        """
        functions = {
            key: button["function"]
            for key, button in self.custom.items()
            if outcome in button["outcomes"] and (retryable or not button["again"])
        }
        if decidable and outcome in OURS:
            functions[OURS[outcome]] = self.approval_function
        return {**functions, "Region": self.region, "Scan": scan} if functions else None
