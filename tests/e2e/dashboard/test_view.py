"""The dashboard in a real browser shows a real server process."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from breakerd.alerts.emulator import Emulator
from tests.e2e.dashboard.service import CONFIG, link, post, status
from tests.support.server_process import Server

PAGING = """\
[opsgenie]
enabled = true
team = "platform"
environment = "test"
bookmaker_id = "b1"
business = "internal"
time_before_send_alert = 600
initial_alert_priority = "P3"
"""

pytestmark = pytest.mark.needs("chromium")


def test_shows_a_trip_and_why_without_reload(page: Page, server: Server) -> None:
    expect(page.locator("#next")).to_have_text("All calls pass.")
    post(server, "/breaker/trigger-by-latency")
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page).to_have_title("OPEN default - breakerd")
    expect(page.locator("#why")).to_contain_text("p95 600 ms (limit 300 ms)")
    expect(page.locator("#next")).to_contain_text("Rejects all calls. Sends probes in")
    expect(page.locator("#since")).to_contain_text("Since")
    expect(page.locator("#drill")).to_be_visible()
    expect(page.locator("#events")).to_contain_text("CLOSED → OPEN: p95 600 ms")
    expect(page.locator("#alerts")).to_contain_text("[DRILL] default OPEN")
    expect(page.locator("#breakers")).to_contain_text("default OPEN: latency (drill)")
    expect(page.locator("#times .mark")).not_to_have_count(0)
    # The drill's calls.
    expect(page.locator("#calls")).to_have_attribute("aria-label", re.compile("10 above"))


def test_draws_the_calls_and_those_above_the_threshold(page: Page, server: Server) -> None:
    for delay in ("1ms", "1ms", "400ms"):
        post(server, "/set_delay", {"delay": delay})
        httpx.get(server.url + "/test").raise_for_status()
    expect(page.locator("#calls-legend")).to_contain_text("3, 1 above the threshold")
    for bars, count in (("#calls .bar:not(.over)", 2), ("#calls .over", 1)):
        drawn = page.locator(bars).get_attribute("d")
        assert drawn is not None
        assert drawn.count("Z") == count
    expect(page.locator("#times .value")).to_have_attribute("d", re.compile("M"))


def test_shows_the_load_of_the_machine_where_it_is_watched(page: Page, server: Server) -> None:
    expect(page.locator("#figures")).not_to_contain_text("Load")
    (server.folder / "breakers.toml").write_text(CONFIG + "[load]\nload_threshold = 10_000\n")
    post(server, "/-/reload")
    expect(page.locator("#figures")).to_contain_text(re.compile(r"Load.*load average \S+ per CPU"))


def test_says_what_an_operator_put_in_force(page: Page, server: Server) -> None:
    for path, state, words in (
        ("force-open", "FORCED OPEN", "Rejects all calls until reset or enabled."),
        ("observe", "OBSERVE", "would have rejected 0 so far"),
        ("disabled", "DISABLED", "nothing is decided until enabled"),
    ):
        post(server, f"/breaker/{path}")
        expect(page.locator("#state")).to_have_text(state)
        expect(page.locator("#next")).to_contain_text(words)


def test_says_that_nobody_is_paged(page: Page, server: Server) -> None:
    expect(page.locator("#banners .bad")).to_have_text(
        "Nobody is being paged: [opsgenie] enabled is false"
    )
    post(server, "/breaker/trip")
    expect(page.locator("#alerts")).to_contain_text("logged only, nobody paged")


def test_says_who_was_paged_and_what_comes_next(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "breakers.toml").write_text(PAGING)
    with Emulator() as emulator:
        environment = {"OPSGENIE_API_KEY": "key", "OPSGENIE_API_URL": emulator.url}
        with Server(
            "--config", "breakers.toml", folder=tmp_path, environment=environment
        ) as server:
            page = browser.new_page()
            page.goto(link(server))
            expect(page.locator("#paging")).to_have_text("OpsGenie (us) is paged, team platform.")
            expect(page.locator("#banners p")).to_have_count(0)
            silence = {"author": "ada", "reason": "rehearsal", "seconds": 600}
            post(server, "/silences", silence)
            post(server, "/breaker/trip", {"reason": "rehearsal"})
            expect(page.locator("#alerts")).to_contain_text("held back: silenced by ada until")
            expect(page.locator("#banners .bad")).to_contain_text(
                "Nobody is being paged about default: silenced by ada until"
            )
            with server.client() as client:
                (kept,) = client.get("/silences").json()["silences"]
                client.delete("/silences", params={"id": kept["id"]}).raise_for_status()
            expect(page.locator("#banners p")).to_have_count(0)
            expect(page.locator("#alerts-title")).to_have_text("Alerts: 1 open")
            expect(page.locator("#alerts")).to_contain_text(
                "P3 active default opened by an operator: rehearsal"
            )
            expect(page.locator("#alerts")).to_contain_text("opsgenie P3 · escalates in 9 min")
            expect(page.locator("#receivers")).to_contain_text("opsgenie last delivery")
            page.locator("#alerts a").click()
            shown = page.locator("#alert-rows")
            expect(page.locator("#alert-title")).to_contain_text(
                "P3 default opened by an operator: rehearsal"
            )
            for words in ("default: open since", "opsgenie: told", "silenced by ada", "stage"):
                expect(shown).to_contain_text(words)
            page.get_by_role("button", name="Close the alert").click()
            expect(page.locator("#alert")).to_be_hidden()
            emulator.api_keys = frozenset({"another"})
            post(server, "/breaker/drill-page")
            refused = "opsgenie rejects the key · 1 pending · last delivery"
            expect(page.locator("#receivers")).to_contain_text(refused)
            page.close()


def test_a_link_opens_an_alert_in_full(page: Page, server: Server) -> None:
    post(server, "/breakers/payments/trip", {"reason": "<b>they deploy</b>"})
    found: list[dict[str, str]] = []
    while not found:
        with server.client() as client:
            listed = client.get("/alerts?state=active").json()["alerts"]
        found = [each for each in listed if each["breaker"] == "payments"]
    alert = found[0]
    page.goto(f"{server.url}/?breaker=payments#alert={alert['id']}&token={server.made_token}")
    assert page.url == f"{server.url}/?breaker=payments#alert={alert['id']}"
    expect(page.locator("#alert-title")).to_contain_text("<b>they deploy</b>")
    shown = page.locator("#alert-rows")
    expect(shown).to_contain_text("payments: open since")
    expect(shown).to_contain_text("log: told")
    expect(shown).to_contain_text("text of")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download the incident report").click()
    assert downloading.value.suggested_filename == f"incident-{alert['id']}.html"
    written = downloading.value.path().read_text()
    assert "<!doctype html>" in written
    assert "&lt;b&gt;they deploy" in written
    expect(page.locator("#alert-report-problem")).to_be_empty()
    post(server, "/breakers/payments/reset")
    expect(shown).to_contain_text("well again")
    page.get_by_role("button", name="default").click()
    assert page.url == f"{server.url}/?breaker=default#alert={alert['id']}", "it stays open"
    page.goto(f"{server.url}/#alert=nope")
    expect(page.locator("#alert-title")).to_contain_text("Alert nope cannot be shown: Unknown")
    expect(page.locator("#alert-report")).to_be_disabled()
    page.get_by_role("button", name="Close the alert").click()
    expect(page.locator("#alert")).to_be_hidden()
    assert page.url == f"{server.url}/"


def test_shows_silences_as_they_were_typed(page: Page, server: Server) -> None:
    reason = "<img src=x onerror=alert(1)>"
    post(server, "/silences", {"author": "<i>ada</i>", "reason": reason, "seconds": 60})
    expect(page.locator("#silences")).to_contain_text(f"everything: {reason}")
    expect(page.locator("#silences")).to_contain_text("by <i>ada</i>")


def test_says_that_the_file_is_refused_until_it_is_mended(page: Page, server: Server) -> None:
    file = server.folder / "breakers.toml"
    file.write_text("percentile = 950\n")
    expect(page.locator("#banners")).to_contain_text("rejected, the previous one stays in force")
    expect(page.locator("#banners")).to_contain_text("percentile: found 950")
    file.write_text(CONFIG)
    expect(page.locator("#banners")).not_to_contain_text("rejected")


def test_another_breaker_is_a_click_away(page: Page, server: Server) -> None:
    page.get_by_role("button", name="payments CLOSED").click()
    expect(page.locator("#name")).to_have_text("payments")
    expect(page.locator("#figures")).to_contain_text("limit 500 ms")
    expect(page.locator("#settings input").first).to_have_value("500")
    # The address leads there again; alerts link to it.
    assert page.url.endswith("?breaker=payments")
    page.reload()
    expect(page.locator("#name")).to_have_text("payments")
    page.get_by_role("button", name="Trip", exact=True).click()
    expect(page.locator("#confirm-title")).to_have_text("Trip: payments?")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#state")).to_have_text("OPEN")
    assert status(server)["state"] == "CLOSED"


def test_shows_what_tunes_itself(page: Page, server: Server) -> None:
    expect(page.locator("#figures")).not_to_contain_text("rejected so far")
    tuned = "[slo]\nsuccess_rate = 0.95\ntimeout = 2\n[limiter]\nenabled = true\nmax_limit = 3\n"
    load = "[load]\nload_threshold = 10000\n"
    (server.folder / "breakers.toml").write_text(CONFIG + tuned + load)
    post(server, "/-/reload")
    figures = page.locator("#figures")
    expect(figures).to_contain_text("limit 3; 0 rejected so far")
    expect(figures).to_contain_text("no calls, 95 % required")
    expect(figures).to_contain_text("per CPU")
    expect(page.locator("#next")).to_contain_text("high priorities first")
