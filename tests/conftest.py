"""What all tests share: one browser, since a process can drive only one at a time.
Torch is not loaded here: pytest reads this before it starts its workers."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser():
    """Chromium: playwright's own, or the one on the PATH. Without any, its tests are
    skipped, but in CI they fail."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = own if Path(own).exists() else None
        found = found or next(filter(None, map(shutil.which, BROWSERS)), None)
        if found is None:
            reason = "no Chromium here: install one, or run playwright install chromium"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tab(browser):
    """One tab without a network for all visits (visits.py)."""
    context = browser.new_context()
    context.set_offline(True)
    context.set_default_timeout(120_000)  # machines may be busy
    yield context.new_page()
    context.close()
