"""A build in a network namespace without routes: all that it reaches is S3."""

from pathlib import Path

import pytest

from local.account import LocalAccount
from tests.support.account import FAILING
from tests.support.network import isolated, without_network


@pytest.mark.slow
@pytest.mark.skipif(not isolated(), reason="no right to make a network namespace")
def test_a_build_needs_no_network_but_s3(tmp_path: Path):
    with LocalAccount() as cloud, without_network(cloud, tmp_path):
        scan = cloud.upload("payments.zip", FAILING)
        cloud.reached(cloud.execution(scan), "AwaitDecision", seconds=60)
        report = cloud.evidence(scan)["report.json"]
        log = "\n".join(cloud.build_log(scan))

    assert "no way to 192.0.2.1" in log
    assert report["gate"]["status"] == "failed"
    assert [item["name"] for item in report["scanners"]] == ["Bandit", "Ruff"]
