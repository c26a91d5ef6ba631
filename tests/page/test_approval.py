"""What the page's header says about an approval."""

import pytest

from local.page import approval

APPROVED = {
    "decision": "approved",
    "decidedAt": "2026-11-01T10:00:00Z",
    "expiresAt": "2026-11-08T10:00:00Z",
}


def extended(at: str, until: str) -> dict[str, str]:
    return {"extendedAt": f"2026-11-{at}T10:00:00Z", "expiresAt": f"2026-{until}T10:00:00Z"}


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ({"report.json": {}}, []),
        ({"approvals/1.json": {}}, ["waits for the approval of two people"]),
        ({"decision.json": {"decision": "rejected"}}, []),
        ({"decision.json": APPROVED}, ["approved until 8 Nov 2026, 10:00 UTC"]),
        (
            {
                "decision.json": APPROVED,
                "extensions/10.json": extended("05", "12-24"),
                "extensions/2.json": extended("04", "11-20"),
            },
            ["approved until 24 Dec 2026, 10:00 UTC", "extended"],
        ),
        (
            {"decision.json": {**APPROVED, "restsOn": {"scan": "payments/0123456789"}}},
            ["approved under the exception of version 01234567"],
        ),
    ],
    ids=["no decision", "half a quorum", "rejected", "approved", "extended", "rests on another"],
)
def test_the_header_says_until_when_and_why_a_version_is_approved(documents, words):
    assert approval.facts(documents.keys(), documents.__getitem__) == words
