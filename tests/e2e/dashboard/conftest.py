from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.dashboard.service import CONFIG, link, post, serving
from tests.support.server_process import Server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE = 15_000
"""Milliseconds, for a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Server:
    """A server that is as new: its file as it was, its breakers closed, no silences."""
    (running_server.folder / "breakers.toml").write_text(CONFIG)
    post(running_server, "/-/reload")
    for breaker in ("default", "payments"):
        post(running_server, f"/breakers/{breaker}/enabled")
    with running_server.client() as client:
        for silence in client.get("/silences").json()["silences"]:
            client.delete("/silences", params={"id": silence["id"]}).raise_for_status()
    return running_server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The dashboard, opened; whatever the page complains of fails the test."""
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(link(server))
    expect(page.locator("#state")).to_have_text("CLOSED")
    yield page
    page.close()
    # The browser itself reports each answer that is an error.
    assert [c for c in complaints if "Failed to load resource" not in c] == []
