"""The index of the scans that rest on the exception of another."""

from handlers import resting
from tests.handlers.conftest import STATE

ROOT = "payments/v1"


def test_a_scan_that_is_marked_is_listed(artifacts):
    for scan in ("payments/v3.2", "payments/v2", "payments/v2"):
        resting.mark(artifacts.s3, STATE, ROOT, scan)
    resting.mark(artifacts.s3, STATE, "payments/v1.2", "payments/v4")

    assert resting.scans(artifacts.s3, STATE, ROOT) == ["payments/v2", "payments/v3.2"]


def test_more_scans_are_listed_than_one_page_has(artifacts):
    for number in range(1001):
        artifacts.s3.put_object(Bucket=STATE, Key=f"resting/{ROOT}/{number}.json", Body=b"{}")

    assert len(resting.scans(artifacts.s3, STATE, ROOT)) == 1001
