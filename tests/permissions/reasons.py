"""Why a right stays that no call used, and why a mutation that nothing notices is no gap."""

# By the beginning of the right, as tests/permissions/rights.py writes it.
UNUSED = {
    "role check-build-status: s3:GetObject on artifacts/scans/*/withdrawal.json": (
        "of an exception that is withdrawn before the app's record has it "
        "(tests/handlers/test_cover.py)"
    ),
    "role check-build-status: s3:GetObject on state/resting/*": (
        "a retry reads what the first attempt wrote"
    ),
    "role scan: s3:GetObject on state/source/scan.zip": (
        "CodeBuild's guide asks for it beside GetObjectVersion, which the project's sourceVersion "
        "uses"
    ),
    "role open-scan: s3:ListBucket on artifacts": (
        "then a missing document is told from a missing right"
    ),
    **{
        f"key: arn:aws:iam::123456789012:root kms:{action}": (
            "for people, so that a key can be disabled or saved from deletion; no provider calls it"
        )
        for action in (
            "CancelKeyDeletion",
            "CreateAlias",
            "DeleteAlias",
            "DisableKey",
            "EnableKey",
            "DisableKeyRotation",
        )
    },
}
# By owner and what was removed.
UNNOTICED = {
    "condition AWS:SourceAccount of ": "the ARN of the source has the account in it, too",
}


def of_right(right: str) -> str:
    """The reason for a right, or nothing."""
    return next((why for begin, why in UNUSED.items() if right.startswith(begin)), "")


def of_mutation(what: str) -> str:
    """The reason for a mutation, or nothing."""
    return next((why for part, why in UNNOTICED.items() if part in what), "")
