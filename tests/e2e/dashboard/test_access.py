"""The dashboard for everybody: contrast, narrow screens, the keyboard."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.dashboard.service import post
from tests.support.server_process import Server

FAINT_TEXT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return channels(colour)[3] === 0 ? background(node.parentElement) : colour;
  };
  const hasText = (node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter((node) => hasText(node) && node.checkVisibility() && !node.closest("svg, noscript"))
    .map((node) => {
      const [low, high] = [luminance(getComputedStyle(node).color), luminance(background(node))]
        .sort((a, b) => a - b);
      return [(high + 0.05) / (low + 0.05), node.textContent];
    })
    .filter(([contrast]) => contrast < 4.5);
}"""

pytestmark = pytest.mark.needs("chromium")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_background(
    page: Page, server: Server, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    post(server, "/breaker/trigger-by-latency")
    post(server, "/silences", {"author": "ada", "reason": "move", "seconds": 60})
    page.locator("#settings input").first.fill("77")
    expect(page.locator("#settings")).to_contain_text("not set")
    expect(page.locator("#silences")).to_contain_text("move")
    expect(page.locator("#state")).to_have_text("OPEN")
    # WCAG 2.2, 1.4.3: at least 4.5 to 1.
    assert page.evaluate(FAINT_TEXT) == []


def test_fits_the_narrowest_phone(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    post(server, "/breaker/trip", {"reason": "https://example.com/" + "x" * 400})
    expect(page.locator("#why")).to_contain_text("xxx")
    # WCAG 2.2, 1.4.10: nothing has to be scrolled sideways.
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_works_by_keyboard_and_keeps_the_focus(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    chosen = page.get_by_role("button", name="payments CLOSED")
    expect(chosen).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_have_text("payments")
    expect(chosen).to_be_focused()
    page.get_by_role("button", name="Trip", exact=True).press("Enter")
    expect(page.get_by_label("Reason, for status, alerts and audit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page.get_by_role("button", name="Trip", exact=True)).to_be_focused()
