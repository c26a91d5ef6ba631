"""The times that people wait for a card are measured: after an upload, and after a clone."""

import json
import subprocess
from contextlib import nullcontext

import pytest

from bench import clone, pipeline, sonarqube
from local.account import LocalAccount
from samples import SAMPLES, packed


@pytest.mark.slow
def test_the_parts_of_an_upload_add_up_to_the_whole():
    with LocalAccount() as account:
        *parts, total = pipeline.upload(account, packed(SAMPLES / "payments")).values()

    assert all(part > 0 for part in parts)
    assert sum(parts) == pytest.approx(total)


@pytest.mark.parametrize("scanner", pipeline.SCANNERS)
def test_the_scanner_alone_is_run_on_files_with_findings(tmp_path, scanner):
    (tmp_path / "code.py").write_text(pipeline.SAMPLE)

    assert pipeline.scan_alone(scanner, tmp_path, tmp_path / "out.sarif")["all"] > 0
    (tmp_path / "code.py").write_text("x = 1\n")
    with pytest.raises(RuntimeError, match=scanner):
        pipeline.scan_alone(scanner, tmp_path, tmp_path / "out.sarif")


@pytest.mark.slow
def test_the_least_fetches_scans_and_stores():
    with LocalAccount() as account:
        s3, bucket = account.client("s3"), account.outputs["artifactsBucket"]
        assert pipeline.scan_least(account, packed(SAMPLES / "payments"))["all"] > 0

        [stored] = [
            item["Key"]
            for item in s3.list_objects_v2(Bucket=bucket)["Contents"]
            if item["Key"].endswith(".sarif")
        ]
        sarif = json.load(s3.get_object(Bucket=bucket, Key=stored)["Body"])
        assert sarif["runs"][0]["results"]


@pytest.fixture
def repository(monkeypatch, tmp_path):
    """An empty repository, which is quick to clone."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setattr(clone, "ROOT", tmp_path)


@pytest.mark.usefixtures("repository")
def test_the_first_card_is_seen_before_the_end():
    displayed = f"test -d .git && echo '{clone.CARD}' && sleep 0.2"

    card, end = clone.first_card(["sh", "-c", displayed])

    assert 0 < card < end - 0.1


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("command", ["echo nothing", f"echo '{clone.CARD}'; exit 1"])
def test_a_demo_without_a_card_fails(command):
    with pytest.raises(RuntimeError, match="fresh clone"):
        clone.first_card(["sh", "-c", command])


def test_a_scan_is_compared_in_two_parts(monkeypatch):
    monkeypatch.setattr(sonarqube, "running_server", nullcontext)
    monkeypatch.setattr(sonarqube, "whole_scan", lambda server: (10.5, 8.0, 4.0))
    monkeypatch.setattr(sonarqube, "scanner_alone", lambda server, folder: (10.0,))

    (table,) = sonarqube.tables(quick=True)

    assert [row[-2:] for row in table.rows] == [("1.05", "1.05"), ("2.00", "1.50")]
    assert len(table.exceeded) == 1
