"""Actions on the dashboard reach the service."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dashboard.service import post, status
from tests.support.server_process import Server

pytestmark = pytest.mark.needs("chromium")


def test_a_button_really_trips_and_resets(page: Page, server: Server) -> None:
    page.get_by_role("button", name="Trip", exact=True).click()
    page.get_by_label("Reason, for status, alerts and audit").fill("<b>because</b>")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page.locator("#answer")).to_have_text(re.compile("Breaker tripped"))
    # What somebody typed is text, and never markup.
    expect(page.locator("#why")).to_have_text("<b>because</b>.")
    assert status(server)["note"] == "<b>because</b>"
    page.get_by_role("button", name="Reset", exact=True).click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#state")).to_have_text("CLOSED")
    assert status(server)["state"] == "CLOSED"


@pytest.mark.parametrize("way_out", ["Cancel", "Escape"])
def test_cancelling_does_nothing(page: Page, server: Server, way_out: str) -> None:
    before = status(server)["generation"]
    page.get_by_role("button", name="Force open").click()
    page.get_by_label("Reason, for status, alerts and audit").fill("no")
    if way_out == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#confirm")).to_be_hidden()
    assert status(server)["generation"] == before


def test_a_refusal_stays_until_it_is_dismissed(page: Page, server: Server) -> None:
    post(server, "/breaker/force-open")
    page.get_by_role("button", name="Latency drill").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#answer-text")).to_contain_text("it is FORCED_OPEN")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#answer")).to_be_hidden()


def test_a_drill_of_memory_is_marked_and_ended(page: Page) -> None:
    page.get_by_role("button", name="Memory drill", exact=True).click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page.locator("#drill")).to_be_visible()
    expect(page.locator("#next")).to_contain_text("until memory falls below its threshold")
    page.get_by_role("button", name="End memory drill").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#next")).to_contain_text("Sends probes in")


def test_a_setting_is_changed_and_a_wrong_one_is_explained(page: Page, server: Server) -> None:
    field = page.get_by_label("Latency threshold, ms").and_(page.locator("input"))
    field.fill("800")
    page.get_by_role("button", name="Set Latency threshold, ms").click()
    expect(page.locator("#answer")).to_contain_text("800")
    assert "latency_threshold = 800" in (server.folder / "breakers.toml").read_text()
    expect(page.locator("#figures")).to_contain_text("limit 800 ms")
    expect(page.locator("#settings")).not_to_contain_text("not set")
    field.fill("1")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text(
        "found 1; allowed: a number ≥ 5, ≤ 86400000 (ms)"
    )
    assert status(server)["latency_threshold_ms"] == 800


def test_settings_follow_the_file_but_not_over_what_is_being_typed(
    page: Page, server: Server
) -> None:
    fields = page.locator("#settings input")
    fields.first.fill("77")
    (server.folder / "breakers.toml").write_text("latency_threshold = 900\nwait_time = 30\n")
    expect(fields.nth(3)).to_have_value("30")
    expect(fields.first).to_have_value("77")
    expect(page.locator("#settings")).to_contain_text("not set; in force: 900")
    page.get_by_text("All settings in force").click()
    expect(page.locator("#all-settings")).to_contain_text("wait_time30")
    expect(page.locator("#all-settings")).to_contain_text("recovery.probes")
