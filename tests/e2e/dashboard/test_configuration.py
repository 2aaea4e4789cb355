"""What is in force and not in the file is on the dashboard, and who has changed what."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.server_process import Server

pytestmark = pytest.mark.needs("chromium")


def test_a_temporary_value_is_shown_until_it_ends(page: Page, server: Server) -> None:
    url = f"{server.url}/breaker/config?persist=false&reason=<b>tonight</b>"
    headers = {**server.headers(), "X-Breakerd-User": "ada"}
    httpx.patch(url, json={"wait_time": 17}, headers=headers).raise_for_status()
    banner = page.locator(".banner", has_text="In force and not in the configuration file")
    expect(banner).to_contain_text("wait_time (temporary)")
    row = page.locator("#config-drift tr", has_text="wait_time")
    expect(row).to_contain_text("temporary: set until the restart: <b>tonight</b> (ada, ")
    expect(row.locator("td")).to_have_text(["17", "not set"])
    newest = page.locator("#configs li").first
    expect(newest).to_contain_text("wait_time not set → 17")
    expect(newest).to_contain_text("ada by HTTP with the made token")
    httpx.patch(url, json={"wait_time": None}, headers=headers).raise_for_status()
    expect(banner).to_have_count(0)
    expect(page.locator("#config-drift-table")).to_be_hidden()
