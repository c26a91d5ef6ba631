"""The context of a card that makes buttons appear: each shows if its function's key is set.

The keys are defined in ``components/buttons.py``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

EXTEND = "Extend"
OURS = {
    **dict.fromkeys(("failed", "partly-approved", "escalated"), ("Decide",)),
    **dict.fromkeys(("approved", "extended", "expiring"), ("Withdraw", EXTEND)),
}


class Buttons(NamedTuple):
    """The functions behind the buttons, in ``region``: ``approval_function``, and the team's own.

    ``custom`` is ``{key: {function, outcomes, again}}``; ``again`` marks a button that scans again.
    """

    region: str
    approval_function: str
    custom: Mapping[str, Mapping[str, Any]]

    def of(
        self,
        outcome: str,
        scan: str,
        *,
        decidable: bool = True,
        retryable: bool = True,
        extendable: bool = True,
    ) -> dict[str, str] | None:
        """Return the additionalContext of the card for ``outcome``, None if it has no buttons.

        If not ``decidable``, it has none of our own buttons; if not ``retryable``, none that scan
        the same bytes again; if not ``extendable``, not the one that extends an approval.
        """
        functions = {
            key: button["function"]
            for key, button in self.custom.items()
            if outcome in button["outcomes"] and (retryable or not button["again"])
        }
        ours = OURS.get(outcome, ()) if decidable else ()
        for key in ours:
            if extendable or key != EXTEND:
                functions[key] = self.approval_function
        return {**functions, "Region": self.region, "Scan": scan} if functions else None
