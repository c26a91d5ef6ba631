"""What holds of an approval: until when, by extensions, withdrawal, and what it rests on."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from . import timestamps

# An extension that is written later than this before the end does not count: by then, its readers
# may have seen that there is none. It covers different clocks and a write that takes its time.
LAST_MINUTE = timedelta(minutes=1)

Document = Mapping[str, Any]


class Documents(NamedTuple):
    """The decision about a scan and what followed; ``extensions`` are in order of their number."""

    decision: Document | None
    withdrawal: Document | None = None
    extensions: Sequence[Document] = ()


class Validity(NamedTuple):
    """``status`` is ``open``, a decision, ``withdrawn`` or ``approval-expired``, since ``since``.

    ``ends`` is when the approval ends, or would have ended without its withdrawal; None if there
    is no approval.
    """

    status: str
    ends: datetime | None = None
    since: datetime | None = None


def ends(decision: Document, extensions: Sequence[Document]) -> datetime:
    """Return when an approval by people ends; extensions that came too late do not count."""
    end = timestamps.parse(decision["expiresAt"])
    for extension in extensions:
        if end - timestamps.parse(extension["extendedAt"]) >= LAST_MINUTE:
            end = max(end, timestamps.parse(extension["expiresAt"]))
    return end


def validity(own: Documents, root: Documents | None, now: datetime) -> Validity:
    """Return what holds at ``now``.

    ``root`` has the documents of the scan that ``own`` rests on (``restsOn``), which is always one
    that people approved; an approval whose root is none does not hold.
    """
    decision = own.decision
    if decision is None:
        return Validity("open")
    decided = timestamps.parse(decision["decidedAt"])
    if decision["decision"] != "approved":
        return Validity(decision["decision"], since=decided)
    rests = "restsOn" in decision
    base = root if rests else own
    if base is None or not is_by_people(base.decision):
        return Validity("withdrawn", timestamps.parse(decision["expiresAt"]), decided)
    assert base.decision
    end = ends(base.decision, base.extensions)
    withdrawals = [one["withdrawnAt"] for one in (own.withdrawal, base.withdrawal) if one]
    if withdrawals:
        return Validity("withdrawn", end, min(map(timestamps.parse, withdrawals)))
    if end <= now:
        return Validity("approval-expired", end, end)
    return Validity("approved", end, decided)


def is_by_people(decision: Document | None) -> bool:
    """Whether people approved it, so that other approvals may rest on it."""
    return bool(decision and decision["decision"] == "approved" and "restsOn" not in decision)
