"""The dashboard in a real browser, against a real server process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.server import Server

CONFIG = """\
latency_threshold = 300
[breakers.payments]
latency_threshold = 500
"""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "breakers.toml").write_text(CONFIG)
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The dashboard, opened; whatever the page complains of fails the test."""
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.url)
    expect(page.locator("#state")).to_have_text("CLOSED")
    yield page
    page.close()
    # The browser itself reports each answer that is an error.
    assert [c for c in complaints if "Failed to load resource" not in c] == []


def post(server: Server, path: str, body: object = None) -> None:
    httpx.post(server.url + path, json=body).raise_for_status()


def test_shows_a_trip_and_why_without_reload(page: Page, server: Server) -> None:
    post(server, "/breaker/trigger-by-latency")
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page.locator("#why")).to_contain_text("p95 latency 600 ms (limit 300 ms")
    expect(page.locator("#next")).to_contain_text("Sends probes in")
    expect(page.locator("#drill")).to_be_visible()
    expect(page.locator("#events")).to_contain_text("CLOSED → OPEN: p95 latency")
    expect(page.locator("#alerts")).to_contain_text("[DRILL] default open")
    expect(page.locator("#chart path")).not_to_have_count(0)


def test_says_that_nobody_is_paged(page: Page) -> None:
    expect(page.locator("#banners")).to_contain_text("Nobody is being paged")


def test_says_that_the_file_is_refused(page: Page, server: Server) -> None:
    (server.folder / "breakers.toml").write_text("percentile = 95\n")
    expect(page.locator("#banners")).to_contain_text("refused, the old one goes on")
    expect(page.locator("#banners")).to_contain_text("percentile: found 95")


def test_a_button_really_trips_and_resets(page: Page, server: Server) -> None:
    page.get_by_role("button", name="Trip", exact=True).click()
    page.get_by_label("Why, for those who ask later").fill("<b>because</b>")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#state")).to_have_text("OPEN")
    # What somebody typed is text, and never markup.
    expect(page.locator("#why")).to_contain_text("<b>because</b>")
    assert httpx.get(server.url + "/breaker/status").json()["note"] == "<b>because</b>"
    page.get_by_role("button", name="Reset", exact=True).click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#state")).to_have_text("CLOSED")


def test_cancelling_does_nothing(page: Page, server: Server) -> None:
    page.get_by_role("button", name="Force open").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#confirm")).to_be_hidden()
    assert httpx.get(server.url + "/breaker/status").json()["state"] == "CLOSED"


def test_a_setting_is_changed_and_a_wrong_one_is_explained(page: Page, server: Server) -> None:
    field = page.locator("#settings label", has_text="Latency threshold").locator("input")
    button = page.get_by_role("button", name="Set Latency threshold, ms")
    field.fill("800")
    button.click()
    expect(page.locator("#toast")).to_contain_text("800")
    assert "latency_threshold = 800" in (server.folder / "breakers.toml").read_text()
    expect(page.locator("#figures")).to_contain_text("of 800 ms")
    field.fill("1")
    button.click()
    expect(page.locator("#toast")).to_contain_text("greater than or equal to 5")


def test_another_breaker_is_a_click_away(page: Page) -> None:
    page.get_by_role("button", name="payments CLOSED").click()
    expect(page.locator("#name")).to_have_text("payments")
    expect(page.locator("#figures")).to_contain_text("of 500 ms")
    assert page.url.endswith("?breaker=payments")


def test_old_data_is_never_shown_as_fresh(page: Page, server: Server) -> None:
    server.stop()
    expect(page.locator("#banners")).to_contain_text("What is shown is old", timeout=15_000)
    expect(page.locator("body")).to_have_class("stale")


def test_with_a_token_the_browser_asks_for_it(browser: Browser, tmp_path: Path) -> None:
    environment = {"BREAKERD_TOKEN": "secret", "BREAKERD_READ_TOKEN": "look"}
    with Server(folder=tmp_path, environment=environment) as server:
        answer = httpx.get(server.url)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        reader = browser.new_page(http_credentials={"username": "x", "password": "look"})
        reader.goto(server.url)
        expect(reader.locator("#state")).to_have_text("CLOSED")
        reader.get_by_role("button", name="Disable").click()
        reader.get_by_role("button", name="Do it").click()
        expect(reader.locator("#toast")).to_contain_text("read")
        expect(reader.locator("#state")).to_have_text("CLOSED")
        reader.close()
