"""What on-call hears, told by a real emulator, on driven clocks."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from breakerd import (
    Alerting,
    AlertingSettings,
    AlertsSettings,
    ConfigError,
    ConfigWriteError,
    OpsGenieSettings,
    Registry,
)
from tests.unit.alerts.conftest import KEY, World

STAGED = {"time_before_send_alert": 60}


def test_low_priority_first_then_escalated_then_closed(world: World) -> None:
    world.start(**STAGED)
    breaker = world.slow()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.priority == "P3"
    assert alert.message.startswith("default open: p95 latency 500 ms (limit 300 ms, 10 calls")
    world.after(59)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"
    assert "Still open after 1 min, now P1. State OPEN, p95 500 ms" in world.notes()[0]
    breaker.reset()
    world.after(10)
    assert world.emulator.alerts()[0].status == "open", "it is watched for the quiet time"
    world.after(60)
    assert world.emulator.alerts()[0].status == "closed"
    assert world.notes()[1:] == [
        "Well again after 1 min 10 s. State CLOSED, memory 20%, 0 calls rejected so far.",
        (
            "Over: it lasted 1 min 10 s. Worst: p95 500 ms (limit 300 ms), memory 20%. "
            "Ended by: somebody reset it."
        ),
    ]
    world.after(3600)
    assert world.history() == ["created P3", "priority P1", "note", "note", "closed"]
    assert len(world.emulator.alerts()) == 1


def test_one_stage_goes_out_at_once_at_its_priority(world: World) -> None:
    world.start(priority="P2")
    world.slow()
    world.after()
    assert world.emulator.alerts()[0].priority == "P2"
    world.after(3600)
    assert world.history() == ["created P2"]


def test_without_the_reset_trigger_people_close(world: World) -> None:
    world.start(trigger_on_breaker_reset=False)
    world.slow().reset()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "open"
    assert world.notes()[-1].startswith("Over: it lasted")


def test_a_breaker_that_opens_by_latency_is_one_incident(world: World) -> None:
    world.start()
    world.slow()
    world.memory = 0.9
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    world.after(5)
    assert len(world.emulator.alerts()) == 1


def test_a_threshold_alone_is_worth_an_alert(world: World) -> None:
    world.start(trigger_on_breaker_open=False, trigger_on_latency_threshold=False)
    world.registry.get().observe()
    world.memory = 0.9
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message == "default memory high: memory use 90% (limit 80%)"
    assert "AlertType:breaker-memory" in alert.tags
    world.memory = 0.1
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"


def test_what_is_not_triggered_is_not_told(world: World) -> None:
    world.start(
        trigger_on_breaker_open=False,
        trigger_on_latency_threshold=False,
        trigger_on_memory_threshold=False,
    )
    world.slow()
    world.after()
    assert world.emulator.alerts() == []


def test_cooldown_holds_back_and_never_drops(world: World) -> None:
    world.start(alert_cooldown_seconds=300, quiet_time=0.0)
    world.slow().reset()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after()
    world.after()
    assert world.history()[-1] == "closed"
    world.slow()
    world.after(100)
    assert len(world.emulator.alerts()) == 1, "within the cooldown"
    world.after(199)
    assert len(world.emulator.alerts()) == 1
    world.after(1)
    assert len(world.emulator.alerts()) == 2, "still open at its end"


def test_what_is_over_before_the_cooldown_ends_is_not_told(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300, quiet_time=0.0)
    for _ in range(2):
        world.slow()
        world.after()
        world.registry.get().reset()
        world.after()
        world.after()
    world.after(1000)
    assert len(world.emulator.alerts()) == 1
    assert [i["notified"] for i in alerting.incidents()] == [False, True]


def test_cooldown_counts_from_when_the_last_alert_was_there(world: World) -> None:
    world.start(alert_cooldown_seconds=300, quiet_time=0.0)
    world.emulator.fail("error")
    world.slow()
    world.after()
    world.emulator.heal()
    world.after(200)
    assert len(world.emulator.alerts()) == 1
    world.registry.get().reset()
    world.after()
    world.after()
    world.slow()
    world.after(299)
    assert len(world.emulator.alerts()) == 1
    world.after(1)
    assert len(world.emulator.alerts()) == 2


def test_cooldown_is_per_breaker(world: World) -> None:
    world.start(alert_cooldown_seconds=300)
    world.slow("a")
    world.after()
    world.slow("b")
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["a", "b"]


def test_a_flapping_breaker_makes_one_incident(world: World) -> None:
    world.start()
    for _ in range(12):
        world.slow()
        world.after(5)
        world.registry.get().reset()
        world.after(5)
    world.after(60)
    (alert,) = world.emulator.alerts()
    assert alert.status == "closed"
    assert alert.count == 1
    assert world.notes()[-1].startswith("Over: it lasted 2 min, 12 times open. Worst: p95 500 ms")
    again = [note for note in world.notes() if note.startswith("Open again")]
    assert [note.split()[4] for note in again] == ["2nd", "3rd", "4th", "5th", "8th"]


def test_escalation_waits_while_it_is_quiet(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after(30)
    world.after(35)
    assert world.emulator.alerts()[0].priority == "P3"
    world.slow()
    world.after(1)
    assert world.emulator.alerts()[0].priority == "P1"


def test_editing_the_stages_does_not_touch_an_incident_that_runs(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    alerting.change({"time_before_send_alert": 10, "escalated_alert_priority": "P2"})
    world.after(30)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(30)
    assert world.emulator.alerts()[0].priority == "P1"


def test_a_drill_is_marked(world: World) -> None:
    world.start()
    world.registry.get().drill_latency()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message.startswith("[DRILL] default open")
    assert "Drill:true" in alert.tags
    assert alert.details["Drill"] == "true"
    assert "This is a drill" in alert.description


def test_a_drill_neither_hides_nor_holds_back_what_is_real(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300)
    world.registry.get().drill_latency()
    world.after()
    world.registry.get().reset()
    world.after(5)
    world.slow()
    world.after(5)
    assert [alert.message.split()[0] for alert in world.emulator.alerts()] == ["[DRILL]", "default"]
    world.after()
    assert world.history(0)[-1] == "closed", "the drill is over"
    assert [(i["drill"], i["phase"]) for i in alerting.incidents()] == [
        (False, "active"),
        (True, "closed"),
    ]


def test_a_drill_after_a_recovery_is_not_the_old_incident(world: World) -> None:
    world.start()
    world.slow().reset()
    world.slow()
    world.after()
    world.registry.get().reset()
    world.after(5)
    world.registry.get().drill_latency()
    world.after()
    world.after()
    assert [alert.status for alert in world.emulator.alerts()] == ["closed", "open"]
    assert world.emulator.alerts()[1].message.startswith("[DRILL]")


def test_a_drill_in_the_midst_of_trouble_leaves_it_as_it_is(world: World) -> None:
    world.start()
    world.slow()
    world.after()
    world.registry.get().trip(drill=True)
    world.after()
    (alert,) = world.emulator.alerts()
    assert (alert.status, alert.message[:7]) == ("open", "default")


def test_a_threshold_that_then_opens_the_breaker_stays_one_incident(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300)
    breaker = world.registry.get()
    breaker.observe()
    world.slow()
    world.after()
    assert world.emulator.alerts()[0].message.startswith("default slow: p95 latency 500 ms")
    breaker.force_open("too slow to go on")
    world.after(1)
    world.after(1)
    (alert,) = world.emulator.alerts()
    assert world.notes() == ["Now open: too slow to go on"]
    assert [i["kind"] for i in alerting.incidents()] == ["open"]
    assert alert.count == 1


def test_opening_ends_the_wait_for_a_thresholds_cooldown(world: World) -> None:
    world.start(alert_cooldown_seconds=300, quiet_time=0.0)
    breaker = world.registry.get()
    for _ in range(2):
        breaker.observe()
        world.slow()
        world.after(5)
        breaker.enable()
        world.after(5)
        world.after(5)
    breaker.observe()
    world.slow()
    world.after(5)
    assert len(world.emulator.alerts()) == 1, "the second one is held back"
    breaker.force_open("enough")
    world.after(5)
    assert [a.message for a in world.emulator.alerts()][1] == "default open: enough"


def test_what_opened_before_alerting_began_is_told_with_its_evidence(world: World) -> None:
    world.slow()
    world.memory = 0.95
    other = world.registry.get("other")
    other.observe()
    other.tick()
    world.start()
    world.after()
    assert [alert.message.split(": ")[1][:19] for alert in world.emulator.alerts()] == [
        "p95 latency 500 ms ",
        "memory use 95% (lim",
    ]


def test_an_operators_word_is_told(world: World) -> None:
    world.start()
    world.registry.get("db").force_open("migrating the database")
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.message == "db open: migrating the database"
    world.registry.get("db").disable()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"


# --- restarts


def test_a_restart_goes_on_where_it_was(world: World) -> None:
    world.start(**STAGED)
    world.slow()
    world.after()
    world.restart(**STAGED)
    world.slow()
    world.after(61)
    (alert,) = world.emulator.alerts()
    assert (alert.count, alert.priority) == (1, "P1")
    world.restart(**STAGED)
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"
    world.restart()
    assert list(world.alerting._incident_log) == []  # type: ignore[union-attr]


def test_what_was_not_told_before_a_restart_is_told_after(world: World) -> None:
    world.start()
    world.emulator.fail("down")
    world.slow()
    world.after()
    world.restart()
    world.emulator.heal()
    world.slow()
    world.after(120)
    assert len(world.emulator.alerts()) == 1


def test_cooldowns_and_silences_survive_a_restart(world: World) -> None:
    alerting = world.start(alert_cooldown_seconds=300)
    alerting.add_silence(author="ana", reason="migration", seconds=1000, breaker="pay*")
    world.slow()
    world.after()
    alerting = world.restart(alert_cooldown_seconds=300)
    assert [s["author"] for s in alerting.silences()] == ["ana"]
    world.after()
    world.after(61)
    world.slow()
    world.after()
    assert len(world.emulator.alerts()) == 1


def test_an_incident_of_a_breaker_that_is_gone_is_closed(world: World) -> None:
    world.start()
    world.slow("old")
    world.after()
    world.restart()
    world.after()
    world.after(61)
    assert world.emulator.alerts()[0].status == "closed"
    assert "Its breaker is no longer configured, or its process has ended." in world.notes()[0]


def test_a_wall_clock_that_was_set_back_does_not_put_off_a_stage(world: World) -> None:
    alerting = world.start(**STAGED, alert_cooldown_seconds=300)
    world.slow()
    world.after()
    world.wall.advance(-86_400)
    alerting = world.restart(**STAGED, alert_cooldown_seconds=300)
    world.slow()
    world.after(30)
    (pending,) = alerting.staged_alerts("default")["pending_alerts"].values()
    assert pending["escalates_in_seconds"] == 30
    world.after(30)
    assert world.emulator.alerts()[0].priority == "P1"


# --- silences


def test_a_silence_holds_back_until_its_end(world: World) -> None:
    alerting = world.start()
    number = alerting.add_silence(author="ana", reason="migration", seconds=600, breaker="pay*")
    world.slow("payments")
    world.slow("other")
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["other"]
    alerting.end_silence(number)
    assert alerting.silences() == []
    world.after()
    assert [alert.entity for alert in world.emulator.alerts()] == ["other", "payments"]


def test_a_silence_holds_back_escalation(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    alerting.add_silence(author="ana", reason="known", seconds=120, kind="open")
    world.after(90)
    assert world.emulator.alerts()[0].priority == "P3"
    world.after(31)
    assert world.emulator.alerts()[0].priority == "P1"


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"kind": "all"}, {"author": ""}, {"reason": ""}, {"breaker": ""}]
)
def test_a_silence_without_sense_is_refused(world: World, wrong: dict[str, object]) -> None:
    alerting = world.start()
    good: dict[str, object] = {"author": "ana", "reason": "why", "seconds": 1}
    with pytest.raises(ValueError, match="a silence needs"):
        alerting.add_silence(**(good | wrong))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        alerting.end_silence("none")


# --- who is paged


def test_without_a_key_the_log_takes_it_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "breakerd.alerts"):
        alerting = world.start(api_key=None, **STAGED)
        world.slow()
        world.after()
        world.after(60)
        world.registry.get().reset()
        world.after()
        world.after(60)
    assert world.emulator.requests == []
    assert not alerting.paging
    assert alerting.health() == {
        "ok": False,
        "paging": False,
        "problems": ["nobody is being paged: OPSGENIE_API_KEY is not set"],
    }
    assert "nobody is being paged: OPSGENIE_API_KEY is not set" in caplog.text
    steps = [r.event for r in caplog.records if r.name == "breakerd.alerts.receivers.log"]  # type: ignore[attr-defined]
    assert steps == [
        f"alert {step}, nobody is paged" for step in ("create", "priority", "note", "note", "close")
    ]


def test_switched_off_is_no_fault(world: World) -> None:
    alerting = world.start(enabled=False)
    assert alerting.health()["ok"]
    assert not alerting.paging
    assert alerting.opsgenie_status()["initialized"] is False


def test_a_key_that_comes_later_tells_what_goes_on(world: World) -> None:
    alerting = world.start(api_key=None)
    world.slow()
    world.after()
    settings = alerting.settings
    alerting.apply(
        AlertingSettings(
            settings.opsgenie.model_copy(update={"api_key": SecretStr(KEY)}), settings.alerts
        )
    )
    world.after()
    assert world.history() == ["created P3"]
    assert alerting.stats().counts == {("log", "delivered"): 1, ("opsgenie", "delivered"): 1}
    world.registry.get().reset()
    world.after()
    world.after(61)
    assert world.history() == ["created P3", "note", "closed"]
    assert list(alerting._incident_log) == [], "nothing is left to be told"


def test_what_the_log_escalated_is_told_at_its_priority(world: World) -> None:
    alerting = world.start(api_key=None, **STAGED)
    world.slow()
    world.after()
    world.after(61)
    settings = alerting.settings
    alerting.apply(
        AlertingSettings(
            settings.opsgenie.model_copy(update={"api_key": SecretStr(KEY)}), settings.alerts
        )
    )
    world.after()
    assert world.history()[0] == "created P1"


def test_environments_may_not_send_or_send_otherwise(world: World) -> None:
    environments = {"DEV": {"enabled": False}, "Prod": {"enabled": True, "priority": "P1"}}
    alerting = world.start(use_environments=True, environment_settings=environments)
    world.slow()
    world.after()
    assert world.emulator.alerts()[0].priority == "P1"
    alerting.change({"environment": "dev"})
    assert not alerting.paging


def test_missing_fields_are_told(world: World) -> None:
    alerting = world.start(team="", bookmaker_id="")
    problems = alerting.health()["problems"]
    assert [problem.split(" is ")[0] for problem in problems] == [
        "[opsgenie] team",
        "[opsgenie] bookmaker_id",
    ]
    world.slow()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.responders == []
    assert alert.details["Team"] == "unknown"


def test_settings_that_are_wrong_change_nothing(world: World) -> None:
    alerting = world.start()
    with pytest.raises(ConfigError, match="priority"):
        alerting.change({"priority": "P9"})
    assert alerting.settings.opsgenie.priority == "P3"


def test_a_key_is_not_taken_from_a_request(world: World) -> None:
    alerting = world.start()
    with pytest.raises(ConfigError, match="OPSGENIE_API_KEY") as caught:
        alerting.change({"api_key": "new-secret"})
    assert "new-secret" not in str(caught.value)


def test_status_never_shows_the_key(world: World) -> None:
    alerting = world.start()
    status = alerting.opsgenie_status()
    assert status["api_key"] == "********"
    assert status["paging"]
    assert KEY not in str(status) + repr(alerting.settings) + str(alerting.health())


def test_staged_alerts_tell_when_the_next_stage_is_due(world: World) -> None:
    alerting = world.start(**STAGED)
    world.slow()
    world.after()
    world.after(20)
    report = alerting.staged_alerts("default")
    assert (report["enabled"], report["time_before_alert"]) == (True, 60)
    (pending,) = report["pending_alerts"].values()
    assert pending["escalates_in_seconds"] == 40
    assert alerting.staged_alerts("other")["pending_alerts_count"] == 0


# --- the file


def test_a_broken_database_costs_its_copy_and_not_the_alert(world: World) -> None:
    world.database.write_bytes(b"this is no database" * 100)
    alerting = world.start()
    world.slow()
    world.after()
    assert len(world.emulator.alerts()) == 1
    assert "was damaged (file is not a database)" in alerting.health()["problems"][0]
    (kept,) = world.database.parent.glob("breakerd.db.damaged-*")
    assert kept.read_bytes().startswith(b"this is no database")
    world.restart()
    assert world.alerting is not None
    assert [i.breaker for i in world.alerting._incident_log] == ["default"], (
        "there is a good one again"
    )


def test_a_database_of_a_newer_version_is_left_alone(world: World) -> None:
    with sqlite3.connect(world.database) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    alerting = world.start()
    assert "made by a newer breakerd" in alerting.health()["problems"][0]


def test_a_damaged_row_does_not_stop_the_others(world: World) -> None:
    alerting = world.start()
    alerting.add_silence(author="ana", reason="x", seconds=60, breaker="no such")
    alerting.add_silence(author="bob", reason="x", seconds=60, breaker="no such")
    world.slow("a")
    world.slow("b")
    world.after()
    with sqlite3.connect(world.database) as connection:
        connection.execute("UPDATE incidents SET data = '{}' WHERE breaker = 'a'")
        connection.execute("UPDATE silences SET data = '[]' WHERE data LIKE '%ana%'")
    connection.close()
    alerting = world.restart()
    assert [incident.breaker for incident in alerting._incident_log] == ["b"]
    assert [silence["author"] for silence in alerting.silences()] == ["bob"]


def test_silences_that_are_over_are_forgotten(world: World) -> None:
    alerting = world.start()
    alerting.add_silence(author="ana", reason="x", seconds=10)
    world.after(11)
    alerting.add_silence(author="bob", reason="x", seconds=10)
    assert [s.author for s in alerting._silences._silences.values()] == ["bob"]
    world.wall.advance(11)
    world.restart()
    with sqlite3.connect(world.database) as connection:
        assert connection.execute("SELECT count(*) FROM silences").fetchone() == (0,)
    connection.close()


def test_the_history_can_be_asked_by_phase(world: World) -> None:
    alerting = world.start(quiet_time=0.0)
    world.slow("a").reset()
    world.slow("a")
    world.after()
    world.registry.get("a").reset()
    world.after()
    world.after()
    world.slow("b")
    world.after()
    assert [i["breaker"] for i in alerting.incidents()] == ["b", "a"]
    assert [i["breaker"] for i in alerting.incidents(state="active")] == ["b"]
    assert [i["breaker"] for i in alerting.incidents(state="closed")] == ["a"]
    assert [i["breaker"] for i in alerting.incidents(limit=1)] == ["b"]


def test_what_could_not_be_written_is_written_later(world: World) -> None:
    alerting = world.start()
    store = alerting._incident_log.store
    assert store._database._connection is not None
    store._database._connection.execute("PRAGMA query_only=1")
    world.slow()
    world.after()
    assert len(world.emulator.alerts()) == 1
    assert store.problem
    store._database._connection.execute("PRAGMA query_only=0")
    world.after(10)
    assert store.problem == ""
    world.restart()
    assert world.alerting is not None
    assert [i.breaker for i in world.alerting._incident_log] == ["default"]


# --- the configuration file

FILE = """
[opsgenie]
enabled = true
priority = "P4"   # ours
team = "t"
environment = "prod"
bookmaker_id = "b"

[alerts]
database = "{folder}/x.db"
"""


@pytest.mark.parametrize("shared", [True, False])
def test_changes_go_into_the_file(tmp_path: Path, *, shared: bool) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE.format(folder=tmp_path))
    with Registry.from_file(path) if shared else Registry() as registry:
        alerting = Alerting.from_file(path, registry)
        with alerting:
            assert alerting.settings.opsgenie.priority == "P4"
            alerting.change({"priority": "P2", "tags": ["a:b"]})
            assert alerting.settings.opsgenie.tags == ("a:b",)
            assert 'priority = "P2"   # ours' in path.read_text()
            path.chmod(0o444)
            with pytest.raises(ConfigWriteError, match=r"opsgenie\.enabled: in force"):
                alerting.change({"enabled": False})
            assert not alerting.settings.opsgenie.enabled


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(
        FILE.format(folder=tmp_path) + '\n[opsgenie.contact_details]\nphone_number = "1"'
    )
    monkeypatch.setenv("OPSGENIE_API_KEY", "from-outside")
    monkeypatch.setenv("OPSGENIE_REGION", "EU")
    monkeypatch.setenv("Environment", "uat")
    alerting = Alerting.from_file(path, Registry())
    assert alerting.settings.opsgenie.environment == "uat"
    assert alerting.opsgenie_status()["api_url"] == "https://api.eu.opsgenie.com"
    assert alerting.paging
    alerting.close()


def test_all_problems_of_both_sections_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text('[opsgenie]\npriority = "P9"\ntagz = []\n[alerts]\nquiet_time = -1\n')
    monkeypatch.setenv("OPSGENIE_REGION", "moon")
    with pytest.raises(ConfigError) as caught:
        Alerting.from_file(path, Registry())
    assert [(p.where, p.line, p.key) for p in caught.value.problems] == [
        (str(path), 2, "opsgenie.priority"),
        (str(path), 3, "opsgenie.tagz"),
        (str(path), 5, "alerts.quiet_time"),
        ("environment", 0, "region"),
    ]


def test_a_shared_file_that_is_wrong_leaves_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE.format(folder=tmp_path))
    with Registry.from_file(path, watch=False) as registry:
        assert registry.config is not None
        path.write_text(path.read_text().replace('"P4"', '"P9"'))
        assert registry.config.reload(), "no one who knows of alerts is there yet"
        path.write_text(path.read_text().replace('"P9"', '"P4"'))
        with pytest.raises(ConfigError, match="P9"):
            Alerting.from_file(path, registry)
        registry.config.reload()
        Alerting.from_file(path, registry).close()


def test_what_was_closed_does_not_follow_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE.format(folder=tmp_path))
    with Registry.from_file(path, watch=False) as registry:
        alerting = Alerting.from_file(path, registry)
        alerting.close()
        alerting.close()
        path.write_text(path.read_text().replace('"P4"', '"P5"'))
        assert registry.config is not None
        assert registry.config.reload()
        assert alerting.settings.opsgenie.priority == "P4"


# --- by itself


def test_runs_and_drains_by_itself(world: World) -> None:
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), quiet_time=0.0),
    )
    emulator = world.emulator
    with Alerting(world.registry, settings):
        breaker = world.slow()
        assert emulator.wait_for(lambda: bool(emulator.alerts()))
        breaker.reset()
    assert emulator.alerts()[0].status == "closed"


def test_draining_waits_for_what_was_taken(world: World) -> None:
    world.emulator._book.delay = 0.5
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), attach_chart=False),
    )
    with Alerting(world.registry, settings) as alerting:
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.requests))
    assert alerting.stats().counts == {("opsgenie", "delivered"): 1}


def test_stops_in_time_while_a_receiver_hangs(world: World) -> None:
    world.emulator.fail("slow", delay=30)
    settings = AlertingSettings(
        OpsGenieSettings(enabled=True, api_key=SecretStr(KEY), api_url=world.emulator.url),
        AlertsSettings(database=str(world.database), request_timeout=20.0),
    )
    alerting = Alerting(world.registry, settings)
    alerting.start()
    world.slow()
    assert world.emulator.wait_for(lambda: bool(world.emulator.requests))
    before = time.monotonic()
    alerting.close(timeout=0.1)
    assert time.monotonic() - before < 5


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

    monkeypatch.setattr(alerting._observer, "poll", fail_once)
    with alerting:
        assert failed.wait(10)
        world.slow()
        assert world.emulator.wait_for(lambda: bool(world.emulator.alerts()))
    assert "alert round failed" in caplog.text
