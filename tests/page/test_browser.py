"""What people do with the page, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from local.page.serving import Served
from tests.page.conftest import violations
from tests.scan.uploads import zipped
from tests.support.account import FAILING, PASSING, QUICK_FAILING, scan_quickly
from tests.support.account import click as click_card

EVIL = "<img src=x onerror=alert(1)><script>alert(2)"
SHELL = "import subprocess\nsubprocess.call(x, shell=True)"

# Ruff reads notebooks, and says which it cannot parse.
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def upload(page: Page, body: bytes, name: str, app: str = "") -> None:
    """Upload with the file chooser."""
    page.get_by_label("App", exact=True).fill(app)
    page.locator("#zip").set_input_files(
        [{"name": name, "mimeType": "application/zip", "buffer": body}]
    )


def wait_for_status(page: Page, app: str, word: str) -> None:
    row = page.locator(".upload", has_text=app).first
    expect(row.locator(".chip")).to_have_text(word)


def click_button(page: Page, label: str, answers: dict[str, str]) -> None:
    page.locator(".thread.chosen").get_by_role("button", name=label).click()
    for name, value in answers.items():
        page.get_by_label(name, exact=True).fill(value)
    page.locator("#ask-go").click()


def test_a_failed_upload_is_watched_approved_and_mailed(window):
    page = window()
    page.get_by_role("button", name="payments fails its gate").click()
    expect(page.locator("[data-state=Scan].works")).to_be_visible()
    wait_for_status(page, "payments", "to decide")
    expect(page.locator("[data-state=AwaitDecision].rests")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("Gate failed")
    expect(page.locator(".thread.chosen h3")).to_contain_text("payments: quality gate failed")

    click_button(page, "Approve", {"Reason": "known, fixed in 1.5"})

    expect(page.locator(".thread.chosen .answer")).to_contain_text("Approved")
    wait_for_status(page, "payments", "approved")
    expect(page.locator("[data-state=AwaitWithdrawal].rests")).to_be_visible()
    page.locator(".mail", has_text="[payments] Approved").click()
    email = page.frame_locator("#email-html")
    expect(email.get_by_text("known, fixed in 1.5")).to_be_visible()
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.locator("#email-plain")).to_contain_text("known, fixed in 1.5")
    page.locator("#email .close").click()

    click_button(page, "Withdraw", {"Reason": "it is fixed"})
    wait_for_status(page, "payments", "withdrawn")
    expect(page.locator(".mail", has_text="[payments]")).to_have_count(2)

    page.get_by_role("button", name="decision.json").click()
    expect(page.locator("#paper-text")).to_contain_text('"decision": "approved"')
    page.keyboard.press("Escape")
    expect(page.locator("#paper")).to_be_hidden()


@pytest.mark.slow
def test_an_upload_shows_its_unanalysed_files(window):
    page = window()
    files = {"good.py": "x = 1\n", "old.pyc": "\0bytecode", "<b>job.ipynb": NOTEBOOK}
    upload(page, zipped(files), "seen.zip")
    wait_for_status(page, "seen", "passed")

    page.locator("#coverage-analysed", has_text="1 file of code analysed").click()
    expect(page.locator("#coverage h3")).to_have_text(["Not covered by this scanner"])
    expect(page.locator("#coverage li").first).to_have_text("<b>job.ipynb: notebook")
    expect(page.locator("#coverage li").nth(1)).to_have_text("old.pyc: bytecode")
    assert violations(page) == []

    upload(page, zipped({"good.py": "x = 1\n", "a.py": "x = 1\n"}), "whole.zip")
    wait_for_status(page, "whole", "passed")
    page.locator("#coverage-analysed", has_text="2 files of code analysed").click()
    expect(page.locator("#coverage")).to_have_text("No file of code was left out.")


@pytest.mark.slow
def test_a_person_of_the_page_uploads_and_clicks(window, served):
    page = window()
    page.get_by_role("radio", name="Grace").check()
    upload(page, FAILING, "others.zip")
    wait_for_status(page, "others", "to decide")
    expect(page.locator(".thread.chosen .card").first).to_contain_text("grace@example.com")

    page.get_by_role("radio", name="Lin").check()
    click_button(page, "Reject", {"Reason": "not like this"})

    expect(page.locator(".thread.chosen .exchange .by b").first).to_have_text("Lin")
    wait_for_status(page, "others", "rejected")


@pytest.mark.slow
def test_the_time_of_another_day_has_its_date(window):
    at = "import('/static/dom.js').then((dom) => dom.clock(%d))"
    page = window()

    assert re.fullmatch(r"\d\d:\d\d:\d\d", page.evaluate(at % time.time()))
    assert re.fullmatch(r"1[01] Nov, \d\d:\d\d:\d\d", page.evaluate(at % 1_762_776_000))


@pytest.mark.slow
def test_a_folder_becomes_a_zip_that_passes(window, tmp_path):
    (tmp_path / "shop" / "ünï").mkdir(parents=True)
    (tmp_path / "shop" / "ünï" / "a.py").write_text("x = 1\n")
    page = window()

    page.locator("#folder").set_input_files(tmp_path / "shop")

    wait_for_status(page, "shop", "passed")
    expect(page.locator("#log")).to_contain_text("shop.zip, 1 file")


@pytest.mark.slow
def test_two_windows_that_click_at_once_have_one_outcome(window):
    ada, grace = window(), window("?as=grace")
    upload(ada, FAILING, "race.zip")
    wait_for_status(ada, "race", "to decide")
    wait_for_status(grace, "race", "to decide")
    grace.locator(".upload", has_text="race").click()
    for page, label in ((ada, "Approve"), (grace, "Reject")):
        page.locator(".thread.chosen").get_by_role("button", name=label).click()
        page.get_by_label("Reason").fill("my own opinion")

    ada.locator("#ask-go").click(no_wait_after=True)
    grace.locator("#ask-go").click(no_wait_after=True)

    answers = ada.locator(".thread.chosen .answer")
    expect(answers).to_have_count(2)
    notified = answers.all_inner_texts()
    by = ada.locator(".thread.chosen .exchange .message:first-child .by b")
    assert sorted(by.all_inner_texts()) == ["Ada", "Grace"]
    [decision] = {
        word for word in ("approved", "rejected") if all(word in t.lower() for t in notified)
    }
    wait_for_status(ada, "race", decision)
    wait_for_status(grace, "race", decision)


@pytest.mark.slow
def test_a_reason_is_asked_again_where_the_service_cannot_read_it(window):
    page = window()
    upload(page, FAILING, "quotes.zip")
    wait_for_status(page, "quotes", "to decide")

    click_button(page, "Reject", {"Reason": 'it is "bad"'})

    refused = page.locator(".thread.chosen .answer.refused")
    expect(refused).to_contain_text("I can't understand the command")
    click_button(page, "Reject", {"Reason": "fix the shell call first"})
    wait_for_status(page, "quotes", "rejected")
    expect(page.locator(".mail", has_text="[quotes]")).to_have_count(1)


@pytest.mark.slow
def test_a_typed_command_is_checked_against_the_guardrail(window, served):
    page = window()
    page.get_by_label("@Amazon Q").fill(
        "lambda invoke --function-name another --region eu-central-1 --payload {}"
    )
    page.get_by_role("button", name="Send").click()

    expect(page.locator(".answer").last).to_contain_text("I do not have permission")


@pytest.mark.slow
def test_script_from_outside_does_nothing(window, served):
    page = window()
    upload(
        page,
        zipped(
            {f"{EVIL.replace('/', '')}.py": "import subprocess\nsubprocess.call(x, shell=True)"}
        ),
        f"{EVIL}.zip",
        "evil",
    )
    wait_for_status(page, "evil", "to decide")
    click_button(page, "Reject", {"Reason": EVIL})
    wait_for_status(page, "evil", "rejected")
    page.locator(".mail", has_text="[evil]").click()
    expect(page.frame_locator("#email-html").locator("h1")).to_contain_text("evil")
    page.locator("#email .close").click()
    page.get_by_role("button", name="report.json").click()
    expect(page.locator("#paper-text")).to_contain_text("onerror")
    page.locator("#paper .close").click()
    upload(page, PASSING, "x.zip", EVIL)
    wait_for_status(page, "invalid-key", "error")
    served.cloud.client("sns").publish(TopicArn=served.cloud.outputs["topic"], Message=EVIL)

    expect(page.locator(".dropped")).to_contain_text("Dropped by the chat service")
    page.locator(".dropped summary").click()
    expect(page.locator(".dropped pre")).to_have_text(EVIL)
    assert page.locator("main img, main script").count() == 0


@pytest.mark.slow
def test_an_alarm_is_shown_as_the_service_shows_it(window, served):
    page = window()
    served.cloud.client("sns").publish(
        TopicArn=served.cloud.outputs["topic"],
        Message='{"AlarmName": "dead-letters", "NewStateValue": "ALARM", "Region": "EU"}',
    )

    expect(page.locator(".card.alarm h3")).to_contain_text("dead-letters")
    assert page.locator(".card.alarm button").count() == 0


@pytest.mark.slow
def test_the_page_can_be_used_by_keyboard(window):
    page = window()
    upload(page, FAILING, "keys.zip")
    wait_for_status(page, "keys", "to decide")

    page.locator(".thread.chosen").get_by_role("button", name="Reject").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("typed only")
    page.keyboard.press("Enter")

    wait_for_status(page, "keys", "rejected")


@pytest.fixture(scope="module")
def busy(served: Served) -> None:
    """One upload awaits a decision, another was rejected, with its email."""
    cloud = served.poller.cloud
    scan_quickly(cloud)
    cloud.upload("undecided/it.zip", QUICK_FAILING)
    rejected = cloud.upload("decided/it.zip", QUICK_FAILING)
    click_card(cloud, rejected, "Reject")
    cloud.ended(cloud.execution(rejected))
    cloud.builds.buildspec = None


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
@pytest.mark.slow
def test_axe_finds_no_violation(busy, window, width, scheme):
    page = window(color_scheme=scheme, viewport={"width": width, "height": 844})
    all_violations = violations(page)
    for part in ("Timeline", "Channel", "Inbox"):
        button = page.locator(".parts").get_by_role("button", name=part)
        if button.is_visible():
            button.click()
            all_violations += violations(page)
    for open_, dialog in ((".buttons button", "#ask"), (".mail", "#email")):
        page.locator(open_).first.evaluate("each => each.click()")
        expect(page.locator(dialog)).to_be_visible()
        all_violations += violations(page)
        page.keyboard.press("Escape")

    assert all_violations == []


@pytest.mark.slow
def test_nothing_is_cut_off_on_a_phone(window):
    page = window(viewport={"width": 360, "height": 700})

    for part in ("Uploads", "Timeline", "Channel", "Inbox"):
        page.locator(".parts").get_by_role("button", name=part).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
