"""The dashboard and its token: from a link, typed, wrong, missing, and never in an address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Request, expect

from breakerd import Registry, admin_router
from breakerd.api.http.parts import Parts
from breakerd.api.security.auth import Access
from breakerd.api.security.tokens import Tokens
from tests.e2e.dashboard.service import link, post, serving
from tests.support.hosting import hosting
from tests.support.server_process import Server

ODD = "a+b/c=&#%41 à"
"""A token that is not the same as in an address."""

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of one's own, with the token that it has made."""
    with serving(tmp_path) as server:
        yield server


class Watched:
    """A page in a tab of its own, and the requests that it has sent."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_context().new_page()
        self.requests: list[Request] = []
        self.page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108 - playwright takes no built-in

    def keeps_secret(self, token: str) -> None:
        """Fail if the token is in an address, or where it outlives the tab."""
        encoded = httpx.QueryParams({"t": token}).get("t"), str(httpx.QueryParams({"": token}))[1:]
        addresses = [request.url for request in self.requests[1:]]  # without the link itself
        assert addresses
        for form in (token, *encoded):
            assert not [address for address in addresses if form in address]
            assert form not in self.page.url
        assert self.page.evaluate("JSON.stringify({...localStorage}) + document.cookie") == "{}"
        assert token in self.page.evaluate("Object.values(sessionStorage)")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    watched = Watched(browser)
    yield watched
    watched.page.context.close()


def give(page: Page, token: str) -> None:
    page.get_by_label("Paste the token").fill(token)
    page.get_by_role("button", name="Use").click()


def see_all(page: Page) -> None:
    expect(page.locator("#state")).to_have_text("CLOSED")
    expect(page.locator("#access")).to_be_hidden()
    expect(page.locator("#alerts")).to_have_text("No incidents.")
    page.get_by_text("All settings in force").click()
    expect(page.locator("#all-settings")).to_contain_text("recovery.probes")


def operate(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("button", name="Confirm").click()


def test_the_printed_link_opens_everything_and_leaves_no_trace(
    watched: Watched, server: Server
) -> None:
    page = watched.page
    page.goto(f"{server.url}/?breaker=payments#token={server.made_token}")
    see_all(page)
    assert page.url == f"{server.url}/?breaker=payments"
    operate(page, "Trip")
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page.locator("#events")).to_contain_text("payments CLOSED → OPEN")
    expect(page.locator("#events-note")).to_have_text("")
    page.reload()
    expect(page.locator("#state")).to_have_text("OPEN")
    expect(page.locator("#access")).to_be_hidden()
    watched.keeps_secret(server.made_token)
    # Another tab knows nothing of it.
    assert page.context.new_page().goto(server.url) is not None
    expect(page.context.pages[1].locator("#access")).to_be_visible()


def test_without_it_states_are_shown_and_the_rest_says_what_it_needs(
    watched: Watched, server: Server
) -> None:
    page = watched.page
    page.goto(server.url)
    expect(page.locator("#state")).to_have_text("CLOSED")
    expect(page.locator("#access")).to_contain_text("Alerts, silences, all settings, and changes")
    expect(page.locator("#access")).to_contain_text("var/token where the service runs")
    for section in ("Alerts", "Operate", "Settings"):
        part = page.locator("section", has=page.get_by_role("heading", name=section))
        expect(part.locator(".locked")).to_contain_text("token")
    expect(page.locator("#banners")).not_to_contain_text("cannot be shown")
    page.get_by_text("All settings in force").click()
    expect(page.locator("#all-settings")).to_have_text("")
    post(server, "/breaker/force-open")
    expect(page.locator("#state")).to_have_text("FORCED OPEN")
    operate(page, "Reset")
    expect(page.locator("#answer")).to_contain_text("A token is required")
    # What it may not see is asked for once, not each second.
    asked = [request for request in watched.requests if "/alerts?" in request.url]
    assert len(asked) == 1


def test_a_typed_token_opens_the_rest(watched: Watched, server: Server) -> None:
    page = watched.page
    page.goto(server.url)
    give(page, "wrong")
    expect(page.locator("#access")).to_contain_text("The token was not accepted")
    expect(page.locator("#state")).to_have_text("CLOSED")
    give(page, "schlüssel\u200b")  # no header can hold it
    expect(page.locator("#access")).to_contain_text("The token was not accepted")
    give(page, f" {server.made_token}\n")
    see_all(page)
    operate(page, "Disable")
    expect(page.locator("#state")).to_have_text("DISABLED")
    watched.keeps_secret(server.made_token)


def test_a_link_may_be_pasted_into_the_open_page(watched: Watched, server: Server) -> None:
    page = watched.page
    page.goto(server.url)
    expect(page.locator("#access")).to_be_visible()
    page.goto(link(server))  # the same document
    see_all(page)
    assert page.url == f"{server.url}/"


@pytest.mark.parametrize("form", ["#token={token}&alert=i1", "#alert=i1&token={token}"])
def test_a_link_may_name_an_alert_beside_it(watched: Watched, server: Server, form: str) -> None:
    page = watched.page
    page.goto(server.url)
    expect(page.locator("#access")).to_be_visible()
    page.goto(f"{server.url}/#alert=i1")
    expect(page.locator("#alert-title")).to_have_text("Alert i1 needs a token to be shown.")
    page.goto(server.url + "/" + form.format(token=server.made_token))
    expect(page.locator("#alert-title")).to_contain_text("Unknown alert 'i1'")
    assert page.url == f"{server.url}/#alert=i1"
    watched.keeps_secret(server.made_token)


def test_a_token_that_ends_is_asked_for_again(watched: Watched, server: Server) -> None:
    page = watched.page
    page.goto(link(server))
    see_all(page)
    (server.folder / "var" / "token").unlink()
    expect(page.locator("#access")).to_contain_text("The token was not accepted")
    expect(page.locator("body")).not_to_have_class("stale")
    give(page, server.made_token)
    expect(page.locator("#access")).to_be_hidden()


def test_with_a_set_token_nothing_is_shown_without_it(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    with Server(folder=tmp_path, environment={"BREAKERD_TOKEN": ODD}) as server:
        page.goto(server.url)
        expect(page.locator("#access")).to_contain_text("Everything here needs a token")
        expect(page.locator("main")).to_be_hidden()
        expect(page).to_have_title("Token needed - breakerd")
        give(page, ODD)
        see_all(page)
        watched.keeps_secret(ODD)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


def host_of(registry: Registry, **options: Any) -> FastAPI:
    app = FastAPI()
    access = Access(Tokens.load(environment={"BREAKERD_TOKEN": ODD}))
    app.include_router(admin_router(registry, access=access, **options), prefix="/team/ops")
    return app


@pytest.mark.parametrize("page_path", ["/team/ops/", "/team/ops/dashboard/"])
def test_a_link_works_below_a_prefix(watched: Watched, registry: Registry, page_path: str) -> None:
    page = watched.page
    with hosting(host_of(registry)) as url:
        page.goto(f"{url}{page_path}#token=a%2Bb%2Fc%3D%26%23%2541%20%C3%A0")
        expect(page.locator("#state")).to_have_text("CLOSED")
        expect(page.locator("#access")).to_be_hidden()
        operate(page, "Trip")
        expect(page.locator("#events")).to_contain_text("CLOSED → OPEN")
        watched.keeps_secret(ODD)
        outside = [each for each in watched.requests if not each.url.startswith(f"{url}/team/ops/")]
        assert [each.url for each in outside] == []
        page.goto("about:blank")


def test_what_does_not_run_is_told(watched: Watched, registry: Registry) -> None:
    page = watched.page
    missing = {
        "alerting": "nobody is being paged: alerting was not started",
        "file": "edits of breakers.toml are not followed",
    }
    parts = Parts(lambda: None, lambda: missing)
    with hosting(host_of(registry, parts=parts)) as url:
        page.goto(f"{url}/team/ops/#token=a%2Bb%2Fc%3D%26%23%2541%20%C3%A0")
        banners = page.locator("#banners p")
        expect(page.locator("#banners .bad").first).to_have_text(
            "Not running in this process: alerting. Nobody is being paged: alerting was not started"
        )
        expect(page.locator("#banners .warn")).to_have_text(
            "Not running in this process: file. Edits of breakers.toml are not followed"
        )
        missing.clear()
        expect(banners).to_have_count(1)  # this process has no alerting
        page.goto("about:blank")
