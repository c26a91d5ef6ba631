"""Two people who approve, and one who may not decide about an own upload."""

import pytest
from playwright.sync_api import expect

from local.page.serving import SETTINGS, serving
from tests.page.five_versions import click
from tests.page.test_browser import upload, wait_for_status
from tests.support.account import QUICK_FAILING, scan_quickly

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(chromium):
    strict = {"approvals": "2", "selfApproval": "refuse", "recordApprover": "true"}
    with serving(0, {**SETTINGS, **strict}) as running:
        scan_quickly(running.cloud)
        yield running


def test_the_uploader_does_not_count_as_one_of_two(window):
    page = window()
    upload(page, QUICK_FAILING, "shared.zip")
    wait_for_status(page, "shared", "to decide")
    answers = page.locator(".thread.chosen .answer")

    for person in ("Ada", "Grace"):
        page.get_by_role("radio", name=person).check()
        click(page, "Approve", Reason=f"{person} has read it", Days="3")
        expect(answers.last).to_contain_text("2 different people must approve")
    expect(page.locator("#timeline-facts")).to_contain_text("waits for the approval of two people")
    wait_for_status(page, "shared", "to decide")

    page.get_by_role("radio", name="Lin").check()
    click(page, "Approve", Reason="Lin has read it", Days="3")

    wait_for_status(page, "shared", "approved")
    expect(page.locator("#timeline-facts")).to_contain_text("approved until")
