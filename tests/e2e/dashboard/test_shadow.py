"""The dashboard compares a candidate with the settings in force, and promotes it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dashboard.service import post
from tests.support.server_process import Server

pytestmark = pytest.mark.needs("chromium")

CANDIDATE = "\n[candidate]\nlatency_threshold = 77\n"


def test_a_candidate_is_shown_and_promoted(page: Page, server: Server) -> None:
    expect(page.locator("#shadow")).to_be_hidden()
    file = server.folder / "breakers.toml"
    file.write_text(file.read_text() + CANDIDATE)
    post(server, "/-/reload")
    expect(page.locator("#shadow-settings")).to_contain_text("latency_threshold")
    expect(page.locator("#shadow-settings")).to_contain_text("77")
    expect(page.locator("#shadow-figures")).to_contain_text("Calls compared")
    page.get_by_role("button", name="Promote", exact=True).click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#answer")).to_contain_text("Candidate promoted")
    expect(page.locator("#shadow")).to_be_hidden()
    assert "candidate" not in file.read_text()
    assert "latency_threshold = 77" in file.read_text()
