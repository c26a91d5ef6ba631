"""docs/retention.md says of everything that the program stores how long it is stored."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.recording import PROGRAM, Built, program

PAGE = (PROGRAM / "docs" / "retention.md").read_text()
# Another value of each setting that the page names.
CHANGED = {
    "uploadRetentionDays": 1000,
    "logRetentionDays": 14,
    "evidenceLockDays": 10,
    "protect": False,
}
# What the page adds to the settings of Pulumi.prod.yaml, besides evidenceLock.
ADDED = {"recordApprover": True}
Row = tuple[str, str, str]


def days(number: float) -> str:
    return "1 day" if number == 1 else f"{number:g} days"


def of_objects(rules: list[dict[str, Any]], *, versioned: bool) -> Iterator[tuple[str, str]]:
    """What is in a bucket, and how long each is stored."""
    current = "objects" if versioned is False else "current versions"
    for rule in rules:
        prefix = rule["filter"].get("prefix", "")
        expiration = rule.get("expiration", {})
        if period := expiration.get("days"):
            yield (f"`{prefix}`" if prefix else current, days(period))
        if expiration.get("expiredObjectDeleteMarker"):
            yield ("delete markers", "as long as a version is behind them")
        if noncurrent := rule.get("noncurrentVersionExpiration"):
            yield ("replaced and deleted versions", days(noncurrent["noncurrentDays"]))
        if parts := rule.get("abortIncompleteMultipartUpload"):
            yield ("parts of broken uploads", days(parts["daysAfterInitiation"]))


def stored(built: Built) -> Iterator[Row]:
    versioned = {
        item.inputs["bucket"] for item in built.all("s3/bucketVersioning:BucketVersioning")
    }
    rules = {
        item.inputs["bucket"]: item.inputs["rules"]
        for item in built.all("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    }
    for bucket in built.all("s3/bucket:Bucket"):
        what = dict(of_objects(rules[bucket.name], versioned=bucket.name in versioned))
        for part in ("current versions", "replaced and deleted versions"):
            if bucket.name in versioned:
                what.setdefault(part, "no limit")
        for part, period in what.items():
            yield (f"bucket `{bucket.name.removeprefix('gate-')}`", part, period)
    for lock in built.all("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"):
        period = days(lock.inputs["rule"]["defaultRetention"]["days"])
        yield ("bucket `artifacts`", "the lock of a document", period)
    for group in built.all("cloudwatch/logGroup:LogGroup"):
        yield ("every log group", "", days(group.inputs["retentionInDays"]))
    for queue in built.all("sqs/queue:Queue"):
        period = days(queue.inputs["messageRetentionSeconds"] / 86_400)
        yield (f"queue `{queue.name.removeprefix('gate-')}`", "", period)
    for secret in built.all("secretsmanager/secret:Secret"):
        period = days(secret.inputs["recoveryWindowInDays"])
        yield (f"secret `{secret.name.removeprefix('gate-')}`", "after it was deleted", period)
    for key in built.all("kms/key:Key"):
        yield ("KMS key", "after it was deleted", days(key.inputs["deletionWindowInDays"]))


@pytest.fixture(scope="module")
def rows() -> dict[Row, str]:
    """The rows of the page, each with the settings that it names."""
    table = PAGE.split("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \| (.*?) ?\| (.*?) \| (.*?) ?\|$", table, re.M)[1:]
    return {(where, what, period): settings for where, what, period, settings in cells}


def test_the_page_says_how_long_everything_is_stored(everything: Built, rows: dict[Row, str]):
    assert rows.keys() == set(stored(everything))


@pytest.mark.slow
@pytest.mark.parametrize("setting", CHANGED)
def test_a_row_names_the_setting_that_changes_it(
    setting: str, everything: Built, rows: dict[Row, str]
):
    lock = {} if setting == "protect" else {"evidenceLock": "governance"}
    changed = set(stored(program("prod", **{**ADDED, **lock, setting: CHANGED[setting]})))

    named = {row[:2] for row, settings in rows.items() if f"`{setting}`" in settings}
    differing = {row[:2] for row in stored(everything) if row not in changed}
    without_lock = {("bucket `artifacts`", "the lock of a document")} if not lock else set[Any]()
    assert differing - without_lock == named


def test_no_bucket_stores_what_nobody_sees_for_ever(everything: Built):
    """Parts of broken uploads and replaced versions are invisible in a list, and are billed."""
    for lifecycle in everything.all("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"):
        [whole] = [rule for rule in lifecycle.inputs["rules"] if not rule["filter"]]
        assert whole["status"] == "Enabled"
        assert whole["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
        # Evidence has no replaced versions, unless somebody deleted one.
        if lifecycle.name in ("gate-uploads", "gate-state"):
            assert whole["noncurrentVersionExpiration"]
            assert whole["expiration"] == {"expiredObjectDeleteMarker": True}
