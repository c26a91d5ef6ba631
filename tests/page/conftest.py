"""The page on a server, and a real browser."""

import pprint
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from local.page.serving import Served, serving
from tests.support.browsers import PATIENCE, chromium_path, launch

HOW = "no Chromium: apt-get install chromium, or set CHROMIUM to one"


@pytest.fixture(scope="session")
def chromium() -> str:
    return chromium_path() or pytest.skip(HOW)


@pytest.fixture(scope="module")
def served(chromium: str) -> Iterator[Served]:
    with serving(0, {"decisionWindow": "30m", "exceptionPeriod": "30m"}) as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str, served: Served) -> Iterator[Browser]:
    """Starts after the account: Pulumi deploys with an event loop, and Playwright keeps one."""
    with sync_playwright() as playwright:
        running = launch(playwright, chromium)
        yield running
        running.close()


@pytest.fixture
def window(browser: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """Opens windows; messages in their consoles fail the test."""
    contexts, complaints = [], []

    def open_window(query: str = "", **context: Any) -> Page:
        options: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, **context}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on(
            "console",
            lambda answer: answer.type in ("error", "warning") and complaints.append(answer.text),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "dialog",
            lambda dialog: (complaints.append(f"alert: {dialog.message}"), dialog.dismiss()),
        )
        page.goto(served.url + query)
        page.locator(".connection.live").wait_for()
        return page

    yield open_window
    for item in contexts:
        item.close()
    assert complaints == []


def violations(page: Page) -> list[str]:
    """The rule and location of each violation that axe-core finds."""
    results = Axe().run(page, options={"iframes": False}).response
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Any:
    """Say of a test that failed what its account was doing: the browser shows a status only."""
    report = yield
    running: Served | None = getattr(item, "funcargs", {}).get("served")
    if report.when == "call" and report.failed and running:
        try:
            report.sections += _doings(running)
        except Exception as error:  # an error here would end the whole run
            report.sections.append(("the account cannot be read", repr(error)))
    return report


def _doings(running: Served) -> Iterator[tuple[str, str]]:
    """The states of all executions, and their builds with logs; each with its title."""
    cloud = running.cloud
    for execution in cloud.executions():
        arn = execution["executionArn"]
        last = [event["type"] for event in cloud.history(arn)[-4:]]
        yield f"execution, {execution['status']}", f"{' > '.join(cloud.states(arn))}\n{last}"
    for scan in cloud.builds.scans:
        yield f"builds of {scan}", pprint.pformat(cloud.builds.all_of(scan))
        yield "their log", "\n".join(cloud.build_log(scan))
