"""Update docs/screenshots: the main states of the page, in a real browser."""

import base64
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from local.page.serving import SETTINGS, serving
from tests.page import five_versions
from tests.support.browsers import PATIENCE, chromium_path, launch

FOLDER = Path(__file__).parent.parent.parent / "docs" / "screenshots"
WIDE = ViewportSize(width=1440, height=1080)
PHONE = ViewportSize(width=390, height=844)
READER = ViewportSize(width=1240, height=1080)  # uploads and channel, without the timeline
MONTH = 30 * 86400


def main() -> int:
    path = chromium_path()
    if not path:
        print("Screenshots need this: apt-get install chromium fonts-noto-color-emoji")
        return 1
    FOLDER.mkdir(exist_ok=True)
    _show_one_upload(path)
    _show_five_versions(path)
    return 0


def _show_one_upload(path: str) -> None:
    with serving(0) as served, sync_playwright() as playwright:
        browser = launch(playwright, path)
        page = _open(browser, served.url, WIDE)
        for count, sample in enumerate(("broken", "inventory", "payments"), 1):
            page.locator(f"[data-sample={sample}]").click()
            expect(page.locator(".upload")).to_have_count(count)
            expect(page.locator(".upload .chip.blue")).to_have_count(0)
        expect(page.locator("[data-state=AwaitDecision].rests")).to_be_visible()
        page.locator(".thread.chosen").evaluate("each => each.scrollIntoView({block: 'start'})")
        _shoot(page, "failed")
        page.locator(".thread.chosen").get_by_role("button", name="Approve").click()
        for field in page.locator("#ask-fields input").all():
            field.fill("14" if field.get_attribute("name") == "Days" else "Known, fixed in 1.5")
        _shoot(page, "dialog", "#ask")
        page.locator("#ask-go").click()
        expect(page.locator(".mail")).to_have_count(1)
        expect(page.locator("[data-state=AwaitWithdrawal].rests")).to_be_visible()
        page.locator(".thread.chosen .replies").evaluate("each => each.scrollIntoView()")
        _shoot(page, "approved")
        page.locator(".mail").click()
        page.wait_for_timeout(1000)
        _shoot(page, "mail", "#email")
        page.locator("#email .close").click()
        page.get_by_role("button", name="Steps").click()
        page.get_by_role("button", name="report.json").click()
        page.wait_for_timeout(500)
        _shoot(page, "evidence", "#paper")
        dark = _open(browser, served.url, WIDE, color_scheme="dark")
        dark.locator(".upload", has_text="payments").click()
        dark.wait_for_timeout(1500)
        _shoot(dark, "dark")
        phone = _open(browser, served.url, PHONE)
        phone.locator(".upload", has_text="payments").click()
        phone.wait_for_timeout(1500)
        _shoot(phone, "phone-timeline")
        phone.get_by_role("button", name="Channel").click()
        phone.locator("#messages").evaluate("each => each.scrollTop = 0")
        _shoot(phone, "phone-channel")
        phone.get_by_role("button", name="Uploads").click()
        _shoot(phone, "phone-uploads")
        browser.close()


def _show_five_versions(path: str) -> None:
    """What a person sees who opens the page a month later."""
    settings = {**SETTINGS, **five_versions.SETTINGS}
    with serving(0, settings) as served, sync_playwright() as playwright:
        browser = launch(playwright, path)
        five_versions.play(lambda query: _open(browser, served.url + query, WIDE))
        for name, viewport, scheme in (
            ("five-versions", READER, "light"),
            ("five-versions-dark", READER, "dark"),
            ("five-versions-phone", PHONE, "light"),
            ("five-versions-phone-dark", PHONE, "dark"),
        ):
            page = _open(browser, served.url, viewport, color_scheme=scheme)
            page.clock.set_fixed_time(time.time() + MONTH)
            page.reload()
            page.locator(".connection.live").wait_for()
            page.locator("[data-show=channel]").click()
            hidden = "each => each.scrollHeight - each.clientHeight"
            height = viewport["height"] + page.locator("#messages").evaluate(hidden)
            page.set_viewport_size({"width": viewport["width"], "height": height})
            # A picture in docs/ has at most 200 kB, and this one is long.
            _shoot(page, name, scale=0.85, quality=35)
        browser.close()


def _open(browser: Browser, url: str, viewport: ViewportSize, **context: Any) -> Page:
    page = browser.new_context(viewport=viewport, reduced_motion="reduce", **context).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.locator(".connection.live").wait_for()
    return page


def _shoot(page: Page, name: str, part: str = "body", scale: float = 1, quality: int = 80) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)  # until the last reflow is drawn
    # With the browser's own protocol, as Playwright cannot write WebP (a third of a PNG's size).
    shot = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot",
        {
            "format": "webp",
            "quality": quality,
            "clip": {**(page.locator(part).bounding_box() or {}), "scale": scale},
        },
    )
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))
    print(f"docs/screenshots/{name}.webp")


if __name__ == "__main__":
    sys.exit(main())
