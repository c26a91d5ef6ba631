"""What the page stores from one run to the next."""

import json

import pytest

from local.account import wait_until
from local.page.__main__ import main
from local.page.serving import serving
from tests.support.account import PASSING

pytestmark = pytest.mark.slow


def passed(page, seconds=60):
    """Wait for the first scan that passed."""

    def look():
        for scan, upload in page.poller.uploads.items():
            if upload["status"] == "SUCCEEDED" and upload["clearance"] == "passed":
                return scan
        return None

    return wait_until(look, seconds, lambda: f"nothing passed: {page.poller.uploads}")


@pytest.mark.slow
def test_a_second_run_shows_the_stored_uploads_of_the_first(tmp_path):
    with serving(0, folder=tmp_path) as first:
        first.poller.put("inventory.zip", PASSING)
        scan = passed(first)

    with serving(0, folder=tmp_path) as second:
        assert second.poller.uploads[scan]["saved"]
        report = json.loads(second.poller.evidence(scan, "report.json"))
        assert report["gate"]["status"] == "passed"
        assert second.poller.details(scan)["steps"][-1]["name"] == "Done"


def test_a_folder_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "page.json").write_text("[]")

    assert main(["--port", "0", "--keep", str(tmp_path)]) == 1
    # Long paths of temporary folders wrap the line.
    assert "written by this page" in " ".join(capsys.readouterr().out.split())
