"""All scanners of the list in one scan, each from its pack, without a network."""

import json
from pathlib import Path

import pytest

from local.account import LocalAccount
from packs.platforms import of_this_machine
from packs.store import of
from tests.scan.uploads import zipped
from tests.scanners.test_real_projects import CASES
from tests.support.network import isolated, without_network


@pytest.mark.scanners
@pytest.mark.skipif(not isolated(), reason="no right to make a network namespace")
def test_each_scanner_finds_bad_code_without_a_network(tmp_path: Path):
    for name in ("scan", *CASES):
        of(name, of_this_machine()).make()
    files = {name: text for case in CASES.values() for name, text in case.bad.items()}
    settings = {"scanners": json.dumps(list(CASES))}
    with LocalAccount(settings) as cloud, without_network(cloud, tmp_path):
        scan = cloud.upload("payments.zip", zipped(files))
        cloud.reached(cloud.execution(scan), "AwaitDecision", seconds=180)
        report = cloud.evidence(scan)["report.json"]
        log = "\n".join(cloud.build_log(scan))

    assert "no way to 192.0.2.1" in log
    counts = {item["name"]: item["counts"] for item in report["scanners"]}
    assert len(counts) == len(CASES)
    assert all(sum(count.values()) for count in counts.values() if count), counts
    assert all(counts.values()), report["scanners"]
