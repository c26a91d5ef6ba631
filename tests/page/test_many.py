"""With five hundred uploads the page stays small and responsive."""

import json

import pytest
from playwright.sync_api import expect

from local.page.serving import serving
from tests.page.conftest import violations

MANY = 500

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(chromium, tmp_path_factory):
    """A page that shows an earlier run with many uploads."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "page.json").write_text(json.dumps(crowd()))
    with serving(0, folder=folder) as running:
        yield running


def crowd():
    uploads = [
        {
            "scan": f"app-{n}/{n:032x}",
            "app": f"app-{n}",
            "key": f"app-{n}/release.zip",
            "versionId": f"{n:032x}",
            "size": 1000 + n,
            "status": "SUCCEEDED",
            "state": "Rejected",
            "says": "Rejected",
            "clearance": "rejected",
            "resting": False,
            "waits": False,
            "began": 1.8e9 + n,
            "entered": 1.8e9 + n,
        }
        for n in range(MANY)
    ]
    entries = [
        {
            "kind": "card",
            "thread": upload["scan"],
            "scan": upload["scan"],
            "at": upload["began"],
            "title": [{"text": f"{upload['app']}: quality gate failed"}],
            "body": [{"kind": "text", "spans": [{"text": "line " * 20}]}] * 12,
            "nextSteps": [],
            "keywords": [],
            "buttons": [{"label": "Approve", "asks": ["Reason"], "bound": {}, "command": ""}],
        }
        for upload in uploads
    ]
    mails = [
        {
            "at": upload["began"],
            "scan": upload["scan"],
            "From": "a@example.com",
            "To": "b@example.com",
            "Subject": f"[{upload['app']}] Rejected",
            "plain": "",
            "html": "",
        }
        for upload in uploads
    ]
    graph = {"width": 1, "height": 1, "states": [], "lines": []}
    timeline = {"steps": [], "graph": graph, "log": [], "evidence": []}
    scans = {upload["scan"]: {"details": timeline, "evidence": {}} for upload in uploads}
    return {"uploads": uploads, "scans": scans, "entries": entries, "mails": mails}


def test_a_page_of_many_uploads_is_small_and_answers(window):
    page = window()
    expect(page.locator("#summary")).to_contain_text(f"{MANY} uploads")
    assert page.evaluate("document.querySelectorAll('*').length") < 5000

    page.get_by_label("Find uploads").fill("app-7/")
    expect(page.locator(".upload")).to_have_count(1)
    page.get_by_label("Find uploads").fill("")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".upload")).to_have_count(120)

    page.get_by_role("button", name="Show earlier messages").click()
    assert page.evaluate("document.querySelectorAll('*').length") < 8000
    page.get_by_role("button", name="inventory passes").click()
    expect(page.locator(".upload").first.locator(".chip")).to_have_text("passed")
    expect(page.locator("[data-state=Done].done")).to_be_visible()


def test_cards_of_an_earlier_run_are_read_only(window):
    page = window()

    expect(page.get_by_role("button", name="Approve").first).to_be_disabled()
    assert violations(page) == []
