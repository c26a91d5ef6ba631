"""The channel after five versions of one app, where an approval covers findings."""

import pytest
from playwright.sync_api import expect

from local.page.serving import SETTINGS, serving
from tests.page import five_versions
from tests.page.conftest import violations
from tests.support.account import change_states, shorten_the_wait_for_the_log

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(chromium):
    with serving(0, {**SETTINGS, **five_versions.SETTINGS}) as running:
        change_states(running.cloud, shorten_the_wait_for_the_log)
        yield running


def test_two_questions_are_asked_about_five_versions(window):
    page = five_versions.play(window)

    statuses = page.locator(".upload .chip")
    expect(statuses).to_have_text(["approved", "passed", "approved", "approved", "approved"])
    threads = page.locator(".thread")
    expect(threads).to_have_count(2)
    expect(threads.nth(0).locator("h3")).to_have_count(3)
    expect(threads.nth(1).locator("h3")).to_have_count(5)
    approve = page.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_have_count(2)
    question = threads.nth(1).locator(".card").first
    expect(question).to_contain_text("1 new finding, 11 known, 1 fixed")
    assert violations(page) == []
