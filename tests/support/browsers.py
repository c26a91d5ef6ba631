"""The Chromium that the tests and the screenshots use."""

import os
import shutil

from playwright.sync_api import Browser, Playwright, expect

PATIENCE = 180_000  # milliseconds in which something has to appear
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """The browser that ``CHROMIUM`` names, or one on PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, path: str) -> Browser:
    """Start it headless; its own sandbox does not work as root, the usual user in containers."""
    expect.set_options(timeout=PATIENCE)
    arguments = [] if os.geteuid() else ["--no-sandbox"]
    return playwright.chromium.launch(executable_path=path, args=arguments)
