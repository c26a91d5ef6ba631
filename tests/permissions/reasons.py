"""Why a right stays that no call used, and why a mutation that nothing notices is no gap."""

# By the beginning of the right, as tests/permissions/rights.py writes it.
# These settings are off in the recorded program; tests of tests/local have the same guard.
# fmt: off
_BY_SETTING = {
    "with selfApproval refuse (tests/local/test_four_eyes.py)": {
        "callback": (
            "GetObject actions/*", "GetObject report", "GetObject uploader", "PutObject withdrawal",
        ),
    },
    "with approvals 2 (tests/local/test_quorum.py)": {
        "approval": ("GetObject actions/*", "GetObject approvals/*", "PutObject approvals/*"),
        "callback": ("GetObject approvals/*",),
        "notify": ("GetObject approvals/*",),
    },
    "for an extension (tests/local/test_extensions.py)": {
        "approval": ("GetObject extensions/*", "PutObject extensions/*"),
        "callback": ("GetObject extensions/*",),
        "notify": ("GetObject extensions/*",),
    },
}
# fmt: on
UNUSED = {
    **{
        f"role {role}: s3:{action} on artifacts/scans/*/{document}.json": why
        for why, roles in _BY_SETTING.items()
        for role, rights in roles.items()
        for action, document in map(str.split, rights)
    },
    "role notify: s3:GetObject on artifacts/scans/*/findings.json": (
        "for an email about a failure after another one (tests/handlers/test_notify.py)"
    ),
    "role notify: s3:GetObject on state/resting/*": (
        "listing what rests on an exception needs no right on the objects, which have nothing"
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
