"""While a test has the breakers, nothing of an application starts, pages or writes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from breakerd import Alerting, AlertingSettings, Breaker, Breakerd, Registry, StateAutosaver
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.testing import take_over
from tests.support.admin_client import Client
from tests.support.polling import until

FILE = """\
[breakers.payments]
wait_time = 10
[opsgenie]
enabled = true
environment = "PROD"
bookmaker_id = "acme"
team = "platform"
trigger_on_breaker_open = true
time_before_send_alert = 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opsgenie_emulator: Emulator) -> Path:
    """A working folder with a file that pages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPSGENIE_API_KEY", API_KEY)
    monkeypatch.setenv("OPSGENIE_API_URL", opsgenie_emulator.url)
    (tmp_path / "breakers.toml").write_text(FILE)
    return tmp_path


@pytest.fixture
def application(folder: Path) -> Iterator[Breakerd]:
    application = Breakerd.from_file(folder / "breakers.toml")
    yield application
    application.close()


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_a_lifespan_starts_nothing(
    folder: Path, application: Breakerd, opsgenie_emulator: Emulator
) -> None:
    app = FastAPI()
    app.include_router(application.admin_router(), prefix="/ops")
    files, threads = files_in(folder), set(threading.enumerate())
    with take_over() as breakers:
        async with app.router.lifespan_context(app):
            application.get("payments").call(int)
            breakers["payments"].open()
            breakers.advance(5)
            answer = await Client(app)._request("GET", "/ops/breakers/payments/status", {})
        status = answer.json()
        assert (status["state"], status["retry_after_seconds"]) == ("OPEN", 5)
        assert "a test has taken the breakers over" in status["not_running"]["ticker"]
        assert not application.running
        new_threads = {thread.name for thread in set(threading.enumerate()) - threads}
        assert not [name for name in new_threads if name.startswith("breaker")]
    assert files_in(folder) - {"var/token"} == files
    assert opsgenie_emulator.requests == []


def test_what_did_not_start_did_not_end(application: Breakerd) -> None:
    with take_over(), application:
        made = application.get("made")
    assert application.get("payments").state == "CLOSED"
    assert not application.running
    made.call(int)
    until(lambda: application.running)
    until(lambda: not application.not_running())


def test_what_runs_already_neither_pages_nor_saves(
    folder: Path, application: Breakerd, opsgenie_emulator: Emulator
) -> None:
    application.start()
    assert application.alerting is not None
    payments = application.get("payments")
    with take_over() as breakers:
        breakers["payments"].open()
        application.alerting.run_once()
        application.alerting.run_once()
        assert application.alerting.incidents() == []
    payments.trip()
    assert opsgenie_emulator.wait_for(opsgenie_emulator.alerts)
    payments.reset()
    with take_over() as breakers:
        breakers["payments"].open()
        application.close()
    state = folder / "var" / "breakers.json"
    assert not state.exists() or '"OPEN"' not in state.read_text()


def test_parts_on_their_own_start_nothing_either(folder: Path) -> None:
    registry = Registry.from_file(folder / "breakers.toml")
    alerting = Alerting.from_file(folder / "breakers.toml", registry)
    files = files_in(folder)
    with take_over() as breakers, registry, alerting, StateAutosaver(registry, "state.json"):
        breakers["payments"].open()
        registry.use()
    assert files_in(folder) == files
    # The ticker is the process's: another test may have started it.
    assert registry.not_running().keys() >= {"file", "state"}
    assert alerting.not_running().keys() == {"alerting"}
    registry.start()
    until(lambda: registry.not_running().keys().isdisjoint({"ticker", "file"}))
    registry.close()


def test_alerting_whose_rounds_a_test_runs_sees_its_breakers(folder: Path) -> None:
    now = [1_000_000.0]
    registry = Registry.from_file(folder / "breakers.toml")
    alerting = Alerting(registry, AlertingSettings(), now=lambda: now[0])
    with take_over() as breakers, alerting:
        breakers["payments"].open()
        alerting.run_once()
        assert [each["breaker"] for each in alerting.incidents()] == ["payments"]
    registry.close()


def test_a_round_amid_which_a_test_begins_observes_nothing() -> None:
    registry = Registry()
    with contextlib.ExitStack() as stack:

        class Begun(Registry):
            def find(self, name: str) -> Breaker | None:
                stack.enter_context(take_over())[registry.get()].open()
                return registry.find(name)

        begun = Begun()
        begun._breakers = registry._breakers
        observer = BreakerObserver(begun, AlertingSettings(), lambda: 0.0)
        observer.poll(0.0)
        assert registry.get().state == "OPEN"
        assert observer.observations == {}
