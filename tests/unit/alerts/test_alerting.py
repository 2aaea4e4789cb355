"""The life of alerting in one process: nothing before its start, all of it after, and again."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    ConfigError,
    OpsGenieSettings,
    Registry,
)
from breakerd.alerts import alerting as alerting_module
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.lifecycle import HOW_TO_RESTART, HOW_TO_START
from breakerd.alerts.runtime import AlertingRuntime
from breakerd.breaker.errors import NotStoredError
from breakerd.breaker.logging import relaying
from tests.support.polling import until
from tests.unit.alerts.conftest import KEY

NEVER = f"nobody is being paged: alerting was never started; {HOW_TO_START}"
CLOSED = f"nobody is being paged: alerting was closed; {HOW_TO_RESTART}"
LOGGED = "breaker opened, and nobody is paged"


@pytest.fixture
def settings(tmp_path: Path, opsgenie_emulator: Emulator) -> AlertingSettings:
    return AlertingSettings(
        OpsGenieSettings(
            enabled=True,
            api_key=SecretStr(KEY),
            api_url=opsgenie_emulator.url,
            team="payments",
            environment="prod",
            bookmaker_id="b1",
            alert_cooldown_seconds=0,
        ),
        AlertsSettings(
            database=str(tmp_path / "alerts.db"),
            resolve_after=0.1,
            group_window=0,
            attach_chart=False,
        ),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "breakers.toml"
    made.write_text(
        f'[opsgenie]\nenabled = true\npriority = "P4"\napi_key = "{KEY}"\nteam = "t"\n'
        'environment = "e"\nbookmaker_id = "b"\napi_url = "http://127.0.0.1:9"\n'
        f'[alerts]\ndatabase = "{tmp_path}/alerts.db"\n'
    )
    return made


def running() -> set[threading.Thread]:
    """Threads of alerting; compare by `<=`, since those of an earlier test may end meanwhile."""
    return {each for each in threading.enumerate() if each.name.startswith("breakerd")}


def refused(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Breakers that were logged as opened while nobody was paged, with the reason."""
    return [
        f"{record.fields['breaker']}: {record.fields['problem']}"  # type: ignore[attr-defined]  # of our logger
        for record in caplog.records
        if record.getMessage().startswith(LOGGED)
    ]


# --- before the start


def test_it_opens_and_starts_nothing_before_its_start(file: Path) -> None:
    before, files = running(), set(file.parent.iterdir())
    with Registry.from_file(file, watch=False) as registry:
        alerting = Alerting.from_file(file, registry)
        other = Alerting(registry, alerting.settings, now=lambda: 0.0)
        for each in (alerting, other):
            each.health(), each.silences(), each.stats(), each.incident("any")
            each.apply(each.settings)
            each.close()
    assert running() <= before
    assert set(file.parent.iterdir()) == files


def test_an_object_that_is_not_started_holds_no_lease(
    settings: AlertingSettings, opsgenie_emulator: Emulator
) -> None:
    with Registry() as registry:
        idle = Alerting(registry, settings)
        with Alerting(registry, settings):
            registry.get("payments").trip("a test")
            assert opsgenie_emulator.wait_for(lambda: bool(opsgenie_emulator.alerts()))
        idle.close()


def test_reading_methods_answer_from_the_settings(settings: AlertingSettings) -> None:
    with Registry() as registry:
        alerting = Alerting(registry, settings)
        assert alerting.not_running() == {"alerting": NEVER}
        assert alerting.problems() == [NEVER]
        assert alerting.health() == {
            "ok": False, "stalled": False, "paging": False, "problems": [NEVER],
        }  # fmt: skip
        assert alerting.status.paging_report("payments") == {
            "paging": False, "paging_problems": [NEVER],
        }  # fmt: skip
        assert alerting.status.muted(["payments"]) == {"payments": ""}
        assert not alerting.paging
        assert alerting.incidents() == alerting.silences() == alerting.receivers() == []
        assert alerting.maintenance() == []
        assert alerting.incident("any") is None
        assert alerting.staged_alerts("payments")["pending_alerts"] == {}
        assert alerting.opsgenie_status()["team"] == "payments"
        assert alerting.opsgenie_status()["api_key"] == "********"
        assert not alerting.opsgenie_status()["initialized"]
        assert alerting.stats().pending == 0
        assert alerting.stats().stalled is False
        alerting.close()


def test_what_is_missing_in_the_settings_is_told_too(settings: AlertingSettings) -> None:
    opsgenie = settings.opsgenie.model_copy(update={"api_key": None, "team": ""})
    alerts = settings.alerts.model_validate(
        settings.alerts.model_dump() | {"receivers": {"slack": {"ops": {}}}}
    )
    alerting = Alerting(Registry(), AlertingSettings(opsgenie, alerts))
    first, *others = alerting.problems()
    assert first == NEVER
    assert others[:2] == [
        "OPSGENIE_API_KEY is not set",
        "[alerts.receivers.slack.ops] has no url or token",
    ]
    assert others[2].startswith("[opsgenie] team is not set")


def test_what_only_leaves_a_field_of_the_alert_unknown_is_no_problem(
    settings: AlertingSettings,
) -> None:
    gaps = {"environment": "", "bookmaker_id": "", "project_id": ""}
    opsgenie = settings.opsgenie.model_copy(update=gaps)
    with Alerting(Registry(), AlertingSettings(opsgenie, settings.alerts)) as alerting:
        assert alerting.problems() == []
        assert alerting.health()["ok"]


def test_to_page_nobody_by_choice_is_ok() -> None:
    assert Alerting(Registry()).health()["ok"]


def test_writing_methods_say_what_to_do(settings: AlertingSettings) -> None:
    alerting = Alerting(Registry(), settings)
    for write in (
        lambda: alerting.add_silence(author="ana", reason="a move", seconds=60),
        lambda: alerting.end_silence("any"),
        lambda: alerting.retry("any"),
        lambda: alerting.discard("any", "ana", "known"),
        alerting.run_once,
    ):
        with pytest.raises(NotStoredError) as caught:
            write()
        assert str(caught.value) == f"nothing can be stored: {NEVER}"


@pytest.mark.parametrize("closed", [False, True], ids=["before the start", "after the end"])
def test_settings_can_be_changed_all_the_same(file: Path, *, closed: bool) -> None:
    with Registry.from_file(file, watch=False) as registry:
        alerting = Alerting.from_file(file, registry)
        if closed:
            alerting.start()
            alerting.close()
        assert alerting.change({"priority": "P2"}).priority == "P2"
        assert 'priority = "P2"' in file.read_text()
        with pytest.raises(ConfigError, match="P9"):
            alerting.change({"priority": "P9"})
        with alerting:
            assert alerting.settings.opsgenie.priority == "P2"


def test_settings_that_are_applied_before_the_start_are_those_it_starts_with(
    settings: AlertingSettings,
) -> None:
    with Registry() as registry:
        alerting = Alerting(registry, AlertingSettings())
        alerting.apply(settings)
        with alerting:
            assert alerting.paging


def test_a_breaker_that_opens_is_logged_once_for_each_reason(
    settings: AlertingSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody embedded it and forgot to start it."""
    with Registry() as registry:
        alerting = Alerting(registry, settings)
        registry.get("payments").disable()
        assert refused(caplog) == []
        registry.get("orders").trip("a test")
        registry.get("search").force_open()
        assert refused(caplog) == [f"orders: {NEVER}"]
        with alerting:
            registry.get("more").trip("a test")
        registry.get("late").trip("the end of a process is no fault")
        assert refused(caplog) == [f"orders: {NEVER}"]


def test_one_that_something_else_starts_says_so_and_logs_nothing(
    settings: AlertingSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with Registry() as registry:
        alerting = Alerting(registry, settings, starter="it starts with the first call")
        registry.get("orders").trip("a test")
        assert refused(caplog) == []
        (why,) = alerting.not_running().values()
        assert why.endswith("never started; it starts with the first call")


# --- start, end, and start again


def test_it_starts_again_after_its_end(
    settings: AlertingSettings, opsgenie_emulator: Emulator
) -> None:
    before = running()
    with Registry() as registry:
        alerting = Alerting(registry, settings)
        for number in range(3):
            alerting.start()
            assert alerting.not_running() == {}
            assert alerting.paging
            registry.get(f"b{number}").trip("a test")
            assert opsgenie_emulator.wait_for(
                lambda count=number + 1: len(opsgenie_emulator.alerts()) == count  # type: ignore[misc]
            )
            alerting.close()
            alerting.close()
            assert alerting.not_running() == {"alerting": CLOSED}
            assert registry._subscriptions._all == []
        until(lambda: running() <= before)
        assert relaying.relay is None


def test_a_second_start_changes_nothing(settings: AlertingSettings) -> None:
    with Registry() as registry, Alerting(registry, settings) as alerting:
        runtime, before = alerting._runtime, running()
        alerting.start()
        assert alerting._runtime is runtime
        assert running() <= before
        assert len(registry._subscriptions._all) == 1


def test_many_threads_start_it_once(settings: AlertingSettings) -> None:
    with Registry() as registry:
        alerting, found = Alerting(registry, settings), []
        together = threading.Barrier(8)

        def start() -> None:
            together.wait(30)
            alerting.start()
            found.append(alerting._runtime)

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(found) == 8
        assert len(set(map(id, found))) == 1
        alerting.close()


@pytest.mark.parametrize(
    "name",
    ["breakerd-database", "breakerd-log", "breakerd-secrets", "breakerd-alerts-opsgenie",
     "breakerd-alerts"],
)  # fmt: skip
def test_a_start_without_threads_says_so_and_leaves_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before, start = running(), threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with Registry.from_file(file, watch=False) as registry:
        alerting = Alerting.from_file(file, registry)
        monkeypatch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            alerting.start()
        (why,) = alerting.not_running().values()
        assert why == (
            f"nobody is being paged: alerting cannot start: can't start new thread; {HOW_TO_START}"
        )
        assert list(file.parent.glob("*.lock")) == []
        assert relaying.relay is None
        until(lambda: running() <= before)
        monkeypatch.undo()
        with alerting:
            assert alerting.not_running() == {}


def test_a_file_that_became_invalid_meanwhile_refuses_the_start(file: Path) -> None:
    with Registry.from_file(file, watch=False) as registry:
        assert registry.config is not None
        alerting = Alerting.from_file(file, registry)
        alerting.start()
        alerting.close()
        file.write_text(file.read_text().replace('"P4"', '"P9"'))
        assert registry.config.reload()
        with pytest.raises(ConfigError, match="P9"):
            alerting.start()
        assert "cannot start" in alerting.not_running()["alerting"]
        alerting.close()


def test_its_own_log_of_the_start_is_at_most_one_line_a_problem(
    settings: AlertingSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with Registry() as registry, Alerting(registry, settings):
        pass
    assert caplog.records == []


def test_an_end_within_the_start_ends_it(
    settings: AlertingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a signal handler that closes: it interrupts the start in the same thread."""
    threads = set(threading.enumerate())
    alerting = Alerting(Registry(), settings)
    make = AlertingRuntime

    def make_interrupted(*arguments: Any) -> AlertingRuntime:
        alerting.close()
        return make(*arguments)

    monkeypatch.setattr(alerting_module, "AlertingRuntime", make_interrupted)
    alerting.start()
    assert alerting.not_running() == {"alerting": CLOSED}
    until(lambda: not set(threading.enumerate()) - threads)


def test_one_that_is_closed_before_its_start_says_so(settings: AlertingSettings) -> None:
    alerting = Alerting(Registry(), settings, starter="it starts with the first call")
    alerting.close()
    assert alerting.not_running() == {"alerting": CLOSED}


def test_a_relative_database_stays_in_the_folder_of_the_construction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon changes its folder before the first call."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    alerting = Alerting(Registry(), AlertingSettings(alerts=AlertsSettings(database="a.db")))
    monkeypatch.chdir("elsewhere")
    with alerting:
        until((tmp_path / "a.db").exists)
    assert not list((tmp_path / "elsewhere").iterdir())
