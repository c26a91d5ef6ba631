"""Builds the documents decision.json and withdrawal.json (``schemas/``)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from . import timestamps
from .sanitize import line

# In withdrawal.json, why the pipeline took an approval back.
SELF_APPROVAL = "self-approval"
_NEWER = "A newer version was uploaded: "


def decision(
    scan: str,
    gate_result_sha256: str,
    now: datetime,
    *,
    decision: str,
    reason: str,
    expires_at: datetime | None = None,
    rests_on: Mapping[str, str] | None = None,
    approvals: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return the document; only an approval has ``expires_at``.

    ``rests_on`` is ``{scan, decision.json}``, the scan whose exception covers this one and the
    SHA-256 of its decision; ``approvals`` are the people who approved, if more than one must.
    """
    return {
        "version": 1,
        "scan": scan,
        "decision": decision,
        "reason": reason,
        "decidedAt": timestamps.iso(now),
        "expiresAt": expires_at and timestamps.iso(expires_at),
        **({"restsOn": dict(rests_on)} if rests_on else {}),
        **({"approvals": list(approvals)} if approvals else {}),
        "evidence": {"gate-result.json": gate_result_sha256},
    }


def withdrawal(scan: str, decision_sha256: str, now: datetime, reason: str) -> dict[str, Any]:
    """Return withdrawal.json of an approval that people take back."""
    return {
        "version": 1,
        "scan": scan,
        "reason": reason,
        "withdrawnAt": timestamps.iso(now),
        "evidence": {"decision.json": decision_sha256},
    }


def self_approval(scan: str, decision_sha256: str, now: datetime, person: str) -> dict[str, Any]:
    """Return withdrawal.json of an approval by the ``person`` who uploaded, where it is refused."""
    reason = f"{line(person, 200)} uploaded this version, and approved or extended it."
    return {**withdrawal(scan, decision_sha256, now, reason), "rule": SELF_APPROVAL}


def superseded(scan: str, gate_result_sha256: str, now: datetime, version: str) -> dict[str, Any]:
    """Return the decision of ``scan`` whose request the newer ``version`` supersedes."""
    reason = f"{_NEWER}{version}."
    return decision(scan, gate_result_sha256, now, decision="superseded", reason=reason)


def newer_version(decision: Mapping[str, Any]) -> str | None:
    """Return the version that superseded a scan, None if the ``decision`` names none."""
    match = re.fullmatch(rf"{_NEWER}([A-Za-z0-9._-]+)\.", decision["reason"])
    return match[1] if match else None


def request_expired(scan: str, gate_result_sha256: str, now: datetime) -> dict[str, Any]:
    """Return the decision of ``scan`` whose request expired."""
    reason = "Nobody decided in time."
    return decision(scan, gate_result_sha256, now, decision="request-expired", reason=reason)
