"""How a scan ended, in a sentence and an exit code."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The result of an upload, as far as it was awaited.

    ``status`` is a value of the tag ``scan-status``, else ``timed-out``, ``interrupted``,
    ``deleted`` or ``contradictory``. ``sentence`` says it to people, ``next_step`` what they can
    do about it. ``document`` is all of it for ``--json``.
    """

    scan: str
    status: str
    exit_code: int
    sentence: str
    next_step: str = ""
    document: dict[str, Any] = field(default_factory=dict)
