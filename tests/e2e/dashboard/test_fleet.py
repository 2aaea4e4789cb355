"""The dashboard of a control plane shows and commands the processes of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.dashboard.service import link
from tests.support.fleet_processes import SETTINGS, Dependency, Process, forked
from tests.support.polling import until
from tests.support.server_process import Server

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(f'{SETTINGS}[fleet]\nhub = "file"\n')
    return path


@pytest.fixture
def workers(config: Path) -> Iterator[list[Process]]:
    with Dependency() as dependency, forked(config, 2) as processes:
        for process in processes:
            process.ask("call", dependency.port)
        until(lambda: len(processes[0].ask("members")) == 2)
        yield processes


@pytest.fixture
def control(config: Path, workers: list[Process]) -> Iterator[Server]:
    assert workers
    with Server("--config", config.name, folder=config.parent) as server:
        yield server


@pytest.fixture
def page(browser: Browser, control: Server) -> Iterator[Page]:
    complaints: list[str] = []
    page = browser.new_page(color_scheme="light")
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(link(control).replace("/#", "/?breaker=dependency#"))
    yield page
    page.close()
    assert [c for c in complaints if "Failed to load resource" not in c] == []


def test_the_fleet_is_shown_and_commanded(page: Page, workers: list[Process]) -> None:
    expect(page.locator("#fleet-title")).to_have_text("Fleet: 2 processes")
    expect(page.locator("#hub")).to_contain_text("Hub file answers")
    expect(page.locator("#fleet-breaker")).to_contain_text("closed in 2 of 2 processes on 1 host")
    rows = page.locator("#members tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("the same")
    expect(rows.first).to_contain_text("CLOSED")
    page.get_by_role("button", name="Disable", exact=True).click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#answer-text")).to_contain_text("Breaker disabled: applied 2, waiting 0")
    expect(page.locator("#state")).to_have_text("DISABLED")
    expect(rows.first).to_contain_text("DISABLED")
    assert [process.ask("state") for process in workers] == ["DISABLED", "DISABLED"]
    expect(page.locator("#drift-table")).to_be_hidden()
    page.route("**/fleet", answer_with_drift)
    row = page.locator("#drift tr")
    expect(row.locator("th")).to_have_text("breakers.dependency.wait_timea value of its own")
    expect(row.locator("td")).to_contain_text(["33", "not set", "<b>ada</b>"])


def answer_with_drift(route: Route) -> None:
    """Answer as a host does whose file has a value of its own."""
    drift = {
        "key": "breakers.dependency.wait_time",
        "own": 33,
        "fleet": None,
        "by": "<b>ada</b>",
        "at": "2026-12-01T04:40:37Z",
        "since": "2026-12-01T04:41:00Z",
        "reason": "a value of its own",
    }
    response = route.fetch()
    route.fulfill(response=response, json={**response.json(), "drift": [drift]})


def test_trouble_of_one_process_is_told_as_that(page: Page, workers: list[Process]) -> None:
    workers[0].ask("trip_here")
    told = "orced open in 1 of 2 processes"
    expect(page.locator("#breakers")).to_contain_text(told)
    expect(page.locator("#why")).to_contain_text(told)
    expect(page.locator("#members .bad")).to_have_text("FORCED OPEN")


def test_a_hub_that_is_away_is_told(page: Page, config: Path) -> None:
    expect(page.locator("#hub")).to_contain_text("Hub file answers")
    file = config.parent / "var" / "breakerd-fleet.db"
    file.unlink()
    file.mkdir()
    expect(page.locator("#hub")).to_contain_text("this process decides alone")
    expect(page.locator("#fleet-breaker")).to_contain_text("as in the process that answers")
    file.rmdir()
    expect(page.locator("#hub")).to_contain_text("Hub file answers")
    expect(page.locator("#fleet-title")).to_have_text("Fleet: 2 processes")
