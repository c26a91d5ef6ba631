"""What an approval covers, and who may approve, besides being in the channel."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ApprovalRules:
    """``covers`` is version or findings, ``approvals`` is how many people must approve.

    ``people`` is as whom the chat service's users upload, by their ids.
    ``self_approval`` is what follows when who uploaded approves: allow, warn or refuse.
    """

    covers: str = "version"
    approvals: int = 1
    self_approval: str = "warn"
    people: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def need_people(self) -> bool:
        """Whether what holds depends on who clicked, which only the chat service's log says."""
        return self.approvals > 1 or self.self_approval == "refuse"

    @property
    def four_eyes(self) -> dict[str, str]:
        """The environment of functions that go by who uploaded and who approved."""
        return {"SELF_APPROVAL": self.self_approval, "PEOPLE": json.dumps(dict(self.people))}
