"""The dashboard when something is missing: the service, its events, the right, alerting."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from breakerd import Registry, admin_router
from tests.e2e.dashboard.service import link, post, serving
from tests.support.hosting import hosting
from tests.support.server_process import Server

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of one's own, to be stopped."""
    with serving(tmp_path) as server:
        yield server


def test_old_data_is_never_shown_as_fresh(page: Page, server: Server) -> None:
    server.stop()
    expect(page.locator("#banners")).to_contain_text("The page shows old data")
    expect(page.locator("#age")).to_contain_text("old")
    expect(page.locator("body")).to_have_class("stale")
    expect(page).to_have_title("No answer - breakerd")


def test_a_service_that_hangs_is_noticed_and_its_return_too(page: Page, server: Server) -> None:
    server.send(signal.SIGSTOP)
    try:
        expect(page.locator("#banners")).to_contain_text("Connection lost")
    finally:
        server.send(signal.SIGCONT)
    expect(page.locator("body")).not_to_have_class("stale")
    expect(page).to_have_title("CLOSED default - breakerd")


def test_without_the_stream_changes_are_seen_by_asking(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.route("**/events", lambda route: route.abort())
    page.goto(link(server))
    expect(page.locator("#events-note")).to_contain_text("Not live")
    post(server, "/breaker/force-open")
    expect(page.locator("#state")).to_have_text("FORCED OPEN")
    expect(page.locator("#events")).to_contain_text("CLOSED → FORCED OPEN: operator")
    page.close()


def test_a_reader_sees_all_and_is_told_that_they_may_change_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    environment = {"BREAKERD_TOKEN": "secret", "BREAKERD_READ_TOKEN": "look"}
    with Server(folder=tmp_path, environment=environment) as server:
        reader = browser.new_page()
        reader.goto(f"{server.url}/#token=look")
        expect(reader.locator("#state")).to_have_text("CLOSED")
        reader.get_by_role("button", name="Disable").click()
        reader.get_by_role("button", name="Confirm").click()
        expect(reader.locator("#answer")).to_contain_text("The read token may not change anything")
        # The stream of events, too, comes with the token.
        httpx.post(
            server.url + "/breaker/disabled", headers={"Authorization": "Bearer secret"}
        ).raise_for_status()
        expect(reader.locator("#events")).to_contain_text("CLOSED → DISABLED")
        expect(reader.locator("#events-note")).to_have_text("")
        reader.close()


def test_works_under_a_prefix_without_alerting(browser: Browser) -> None:
    with Registry() as registry:
        app = FastAPI()
        app.include_router(admin_router(registry), prefix="/ops")
        with hosting(app) as url:
            page = browser.new_page()
            page.goto(f"{url}/ops/")
            expect(page.locator("#state")).to_have_text("CLOSED")
            expect(page.locator("#banners")).to_contain_text("this process has no alerting")
            registry.get().trip("by the host")
            expect(page.locator("#events")).to_contain_text("CLOSED → OPEN: by the host")
            page.close()
