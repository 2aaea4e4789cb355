"""Rounds on a thread of their own."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    OpsGenieSettings,
)
from breakerd.alerts.delivery.dispatcher import Dispatcher
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.breaker.logging import relaying
from breakerd.breaker.storage import timed_database
from breakerd.breaker.storage.database import Database
from tests.unit.alerts.conftest import KEY, World


def test_runs_and_drains_by_itself(world: World) -> None:
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), resolve_after=0.0),
    )
    emulator = world.emulator
    with Alerting(world.registry, settings):
        breaker = world.slow()
        assert emulator.wait_for(lambda: bool(emulator.alerts()))
        breaker.reset()
    assert emulator.alerts()[0].status == "closed"


def test_to_stop_twice_leaves_the_relay_to_others(world: World) -> None:
    """The relay of log records, which all alertings of a process share."""
    world.start()
    other = Alerting(world.registry, AlertingSettings())
    relaying.start()
    with other:
        other._runtime.worker.stop(10)
    assert relaying.relay is not None
    relaying.stop(10)
    assert relaying.relay is None


def test_a_round_that_fails_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False),
    )
    alerting = Alerting(world.registry, settings)
    failed = threading.Event()

    def fail_once(*_: object) -> None:
        monkeypatch.undo()
        failed.set()
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(BreakerObserver, "poll", fail_once)
    with alerting:
        assert failed.wait(10)
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.alerts()))
    assert "alert round failed" in caplog.text


def test_a_log_handler_of_the_host_that_blocks_keeps_no_page_back(world: World) -> None:
    """As one that writes to a pipe which nobody reads."""
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False, group_window=0),
    )
    free, blocked = threading.Event(), threading.Event()

    class Blocking(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            blocked.set()
            assert free.wait(60)

    handler = Blocking(logging.INFO)
    logger = logging.getLogger("breakerd")
    with Alerting(world.registry, settings) as alerting:
        logger.addHandler(handler)
        try:
            world.slow()
            assert blocked.wait(30)
            assert world.emulator.wait_for(lambda: bool(world.emulator.alerts()))
            assert not alerting.health()["stalled"]
        finally:
            free.set()
            logger.removeHandler(handler)


def test_a_disk_that_hangs_keeps_no_page_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False, group_window=0),
    )
    answers, execute = threading.Event(), Database.transaction

    def hang(*arguments: Any, **options: Any) -> Any:
        assert answers.wait(60)
        return execute(*arguments, **options)

    with Alerting(world.registry, settings) as alerting:
        monkeypatch.setattr(timed_database, "LIMIT", 0.2)
        monkeypatch.setattr(Database, "transaction", hang)
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.alerts()))
        assert "the disk has not answered" in " ".join(alerting.problems())
        answers.set()
    assert len(world.emulator.alerts()) == 1


def test_a_delivery_that_fails_is_not_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The net under the thread of a receiver."""
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False, group_window=0),
    )
    failed = threading.Event()

    def fail_once(*_: object) -> None:
        monkeypatch.undo()
        failed.set()
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(Dispatcher, "run", fail_once)
    with Alerting(world.registry, settings):
        assert failed.wait(30)
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.alerts()))
    assert "delivery round failed" in caplog.text
