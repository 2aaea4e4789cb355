from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from breakerd import Breaker, LoadReading, Settings
from breakerd.api.cli.views.status import status_table
from breakerd.breaker.testing import ManualClock, simulate_call

SETTINGS = Settings(latency_threshold=300, minimum_calls=3, wait_time=10)

PAGING = {"paging": True, "paging_problems": [], "not_running": {}}


def shown(breaker: Breaker, **changes: Any) -> str:
    screen = io.StringIO()
    status: dict[str, Any] = {**breaker.status(), **PAGING, **changes}
    Console(file=screen, width=200).print(status_table(status))
    return screen.getvalue()


def make(name: str = "payments") -> tuple[Breaker, ManualClock]:
    clock = ManualClock()
    return Breaker(SETTINGS, name=name, clock=clock, memory=lambda: None), clock


def test_a_closed_breaker() -> None:
    breaker, clock = make()
    simulate_call(breaker, clock, 120)
    text = shown(breaker)
    assert text.split()[:2] == ["payments", "CLOSED"]
    assert "p95 120 ms of 300 ms, 1 call" in text
    assert "1 succeeded, 0 failed, 0 abandoned, 0 rejected, 0 in flight" in text
    assert "unknown" in text  # the memory
    assert "why" not in text
    assert "built-in defaults" in text


def test_an_open_one_says_why_and_what_is_next() -> None:
    breaker, clock = make()
    while simulate_call(breaker, clock, 400):
        pass
    text = shown(breaker)
    assert "OPEN" in text
    assert "p95 400 ms (limit 300 ms)" in text
    assert "probes in 10 s" in text


def test_one_that_an_operator_opened_says_who() -> None:
    breaker, _ = make()
    breaker.trip("they deploy", by="ada")
    assert "they deploy (by ada)" in shown(breaker)


def test_recovery_by_probes_and_ramp() -> None:
    breaker, clock = make()
    breaker.trip("deployment")
    assert "deployment" in shown(breaker)
    clock.advance(11)
    assert breaker.allow()
    assert "1 probes in flight" in shown(breaker)
    for _ in range(SETTINGS.recovery.probes):
        breaker.done(clock(), clock())
        breaker.allow()
    assert "admits 10%" in shown(breaker)


def test_a_drill_is_marked() -> None:
    breaker, _ = make()
    breaker.drills.latency()
    assert "OPEN (drill)" in shown(breaker)


def test_a_refused_configuration() -> None:
    breaker, _ = make()
    config = {"file": "b.toml", "last_reload_successful": False, "problems": ["b.toml:3: [wrong]"]}
    assert "rejected, the previous one stays in force: b.toml:3: [wrong]" in shown(
        breaker, config=config
    )


def test_a_file_whose_edits_are_seen_late_or_never() -> None:
    breaker, _ = make()
    config = {
        "file": "b.toml",
        "last_reload_successful": True,
        "watch_problem": "",
        "drift": [],
    }
    assert "b.toml; polled, without events" in shown(
        breaker, config=config | {"watched_by": "polling"}
    )
    assert ";" not in shown(breaker, config=config | {"watched_by": "events"}).split("b.toml")[1]
    seen = shown(breaker, config=config | {"watched_by": "events", "watch_problem": "[mounted]"})
    assert "b.toml; edits are not seen: [mounted]" in seen


def test_names_are_no_markup() -> None:
    breaker, _ = make("[red]pay")
    assert "[red]pay" in shown(breaker)


def test_what_tunes_itself() -> None:
    clock = ManualClock()
    settings = Settings.model_validate(
        {
            "slo": {"success_rate": 0.95, "timeout": 2.0},
            "limiter": {"enabled": True},
            "load": {"load_threshold": 4.0},
        }
    )
    breaker = Breaker(
        settings,
        clock=clock,
        memory=lambda: None,
        load=lambda: LoadReading(load_per_cpu=5.0),
    )
    simulate_call(breaker, clock, 20)
    clock.advance(1)
    breaker.tick()
    text = shown(breaker)
    assert "0 rejected so far" in text
    assert "load average 5 per CPU over threshold" in text
    assert "1 good, 0.95 in 2 s required" in text


def test_it_says_when_nobody_is_paged() -> None:
    breaker, _ = make()
    assert "paging" not in shown(breaker)
    text = shown(breaker, paging=False, paging_problems=["nobody is being paged: [a]", "more"])
    assert "paging" in text
    assert "nobody is being paged: [a]; more" in text
    assert "disk full" in shown(breaker, paging_problems=["disk full"])


def test_a_line_for_each_part_that_does_not_run() -> None:
    paged = "nobody is being paged: alerting was not started"
    problems = {"paging": False, "paging_problems": [paged]}
    parts = {"alerting": paged, "file": "edits of breakers.toml are not followed"}
    text = shown(make()[0], **problems, not_running=parts)
    assert "file" in text
    assert "not running: edits of breakers.toml are not followed" in text
    assert text.count(paged) == 1


def test_calls_that_hang_are_told_beside_a_percentile_of_none() -> None:
    breaker, _ = make()
    assert "no calls; limit 300 ms" in shown(breaker)
    assert "no calls; limit 300 ms; 1,200 in flight for longer" in shown(breaker, hung_calls=1200)


def test_a_fleet_says_in_how_many_processes() -> None:
    breaker, _ = make()
    fleet = {"processes": 4, "silent": 0}
    states = {"open": 3, "closed": 1}
    assert "open in 3 of 4 processes" in shown(breaker, members=states, fleet=fleet)
    silent = shown(breaker, members={}, fleet={"processes": 0, "silent": 2})
    assert "none that reports, 2 silent" in silent
    away = shown(breaker, members={}, fleet=None, fleet_problem="the hub [is] away")
    assert "only the one that answers: the hub [is] away" in away
