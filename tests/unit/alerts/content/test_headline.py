"""First line: who, what, how bad, since when, what it means for users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breakerd import Evidence, OpsGenieSettings, Signal
from breakerd.alerts.model.content import AlertContext, Spread
from breakerd.alerts.model.figures import CallCounts
from breakerd.alerts.model.note import Hold
from tests.support.alert_facts import NOW, OPENED, composed, facts, incident

COUNTS = CallCounts(success=3777, error=4120, rejected=12_403)


def first_line(kind: str, **values: Any) -> str:
    given = facts(kind)
    return composed(incident(given.kind, drill=given.drill, **values), given).message


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("open-by-errors", "payments OPEN 21 s: 45% of calls fail (limit 5%), all calls rejected"),
        (
            "open-by-latency",
            "payments OPEN 21 s: p95 latency 912 ms (limit 600 ms), all calls rejected",
        ),
        (
            "open-by-memory",
            "payments OPEN 21 s: service memory 91% used (limit 80%), all calls rejected",
        ),
        ("open-by-load", "payments OPEN 21 s: CPU pressure 64% (limit 40%), all calls rejected"),
        ("opened-by-operator", "payments opened by ada 21 s ago: deploying; all calls rejected"),
        (
            "open-since-restart",
            "payments still open since before the restart: calls were slow, all calls rejected",
        ),
        ("latency", "payments slow for 21 s: p95 latency 912 ms (limit 600 ms)"),
        ("memory", "payments memory high for 21 s: service memory 91% used (limit 80%)"),
        (
            "overload",
            "payments overloaded for 21 s: limiter turns calls away (limit 18, 33 wanted)",
        ),
        (
            "service-level",
            (
                "payments has missed its service level for 21 s: 45% fail or time out (1% allowed, "
                "burning 45×)"  # noqa: RUF001
            ),
        ),
        (
            "anomaly",
            ("payments not as usual for 21 s: calls are slow and pile up: 310 ms (normally 95 ms)"),
        ),
        (
            "machine-load",
            "payments on an overloaded machine for 21 s: CPU pressure 64% (limit 40%)",
        ),
        (
            "drill",
            "[DRILL] payments OPEN 21 s: p95 latency 912 ms (limit 600 ms), all calls rejected",
        ),
    ],
)
def test_every_kind(kind: str, message: str) -> None:
    assert first_line(kind) == message


def test_a_stage_names_its_priority_and_the_share_that_was_rejected() -> None:
    assert first_line("open", stage=2, counts=COUNTS) == (
        "payments OPEN 21 s, now P1: 45% of calls fail (limit 5%), 61% rejected"
    )


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (90, "1 min 30 s"),
        (119, "1 min 59 s"),
        (238, "3 min"),
        (299.7, "5 min"),
        (7300, "2 h 1 min"),
    ],
)
def test_an_age_is_in_whole_minutes_from_two_on(seconds: float, age: str) -> None:
    about = incident(opened_at=NOW - seconds)
    assert composed(about, facts()).message.startswith(f"payments OPEN {age}: ")


def test_at_the_opening_there_is_no_age() -> None:
    about = incident(opened_at=NOW, notify_at=NOW)
    assert composed(about, facts()).message.startswith("payments OPEN: 45% of calls fail")


@pytest.mark.parametrize(
    ("state", "recovery", "message"),
    [
        ("HALF_OPEN", {"phase": "probes"}, "payments OPEN 21 s: {}, all calls but probes rejected"),
        (
            "HALF_OPEN",
            {"phase": "ramp", "share": 0.05},
            "payments OPEN 21 s: {}, 5% of calls let through",
        ),
        (
            "HALF_OPEN",
            {"phase": "ramp", "share": 0.25},
            "payments recovering after 21 s: {}, 25% of calls let through",
        ),
        ("FORCED_OPEN", None, "payments opened by an operator 21 s ago, all calls rejected"),
    ],
)
def test_states(state: str, recovery: dict[str, Any] | None, message: str) -> None:
    given = facts(state=state, recovery=recovery)
    made = composed(incident(), given).message
    assert made == message.format("45% of calls fail (limit 5%)")


@pytest.mark.parametrize("would_be", ["OPEN", "HALF_OPEN"])
def test_under_observe_it_would(would_be: str) -> None:
    given = facts(state="OBSERVE", would_be_state=would_be, error_rate=0.3)
    assert composed(incident(), given).message == (
        "payments would be OPEN 21 s: 30% of calls fail (limit 5%), nothing rejected (OBSERVE)"
    )


def test_a_breaker_that_opened_again_says_how_often() -> None:
    made = composed(incident(episodes=3), facts())
    assert made.message.startswith("payments OPEN for the 3rd time in 21 s: 45%")


def test_what_was_held_back_says_when() -> None:
    holds = [Hold("silenced by ada until 15 Jan 07:59 UTC: deploying", OPENED - 1800, OPENED - 60)]
    assert composed(incident(holds=holds), facts()).message == (
        "payments OPEN 21 s: 45% of calls fail (limit 5%), all calls rejected "
        "(held 07:30–07:59 UTC)"  # noqa: RUF001
    )


@pytest.mark.parametrize("kind", ["latency", "open-by-errors"])
def test_no_limit_is_named_that_is_not_in_force(kind: str) -> None:
    given = facts("service-level", current_percentile_exact_ms=300.0)
    described = composed(incident("degraded"), given)
    assert "limit 600" not in described.description
    assert "LatencyThresholdMs" not in described.details
    probe = Evidence(signal=Signal.ERRORS, value=1.0, threshold=0.0, unit="fraction", samples=1)
    failed = replace(facts(), reason="probe_failed", evidence=(probe,))
    assert composed(incident(), failed).message == (
        "payments OPEN 21 s: a probe failed, all calls rejected"
    )
    assert first_line(kind)


# --- groups


def error_rate(breaker: str, share: float) -> AlertContext:
    found = Evidence(signal=Signal.ERRORS, value=share, threshold=0.05, unit="fraction", samples=64)
    return replace(facts("open", breaker), evidence=(found,))


def test_a_group_names_its_breakers_and_the_worst_of_them() -> None:
    about = incident("open", "cart", "checkout", counts=COUNTS, stage=1)
    given = [error_rate("payments", 0.2), error_rate("cart", 0.6), error_rate("checkout", 0.3)]
    assert composed(about, *given).message == (
        "payments, cart, checkout OPEN 21 s, now P2: worst cart, 60% of calls fail (limit 5%); "
        "61% of all calls rejected"
    )


def test_what_is_the_same_for_all_of_a_group_is_said_of_each() -> None:
    given = [error_rate("payments", 0.6), error_rate("cart", 0.6)]
    assert composed(incident("open", "cart"), *given).message == (
        "payments, cart OPEN 21 s: each 60% of calls fail (limit 5%); all calls rejected"
    )


def test_a_group_is_open_while_one_of_its_breakers_is() -> None:
    ramp = {"state": "HALF_OPEN", "recovery": {"phase": "ramp", "share": 0.5}}
    about = incident("open", "cart")
    both = [facts("open", "payments", **ramp), facts("open", "cart", **ramp)]
    assert "payments, cart recovering after 21 s: " in composed(about, *both).message
    one = [facts("open", "payments", **ramp), facts("open", "cart")]
    assert "payments, cart OPEN 21 s: " in composed(about, *one).message
    about.members["cart"].recovered = True
    assert "payments, cart recovering after 21 s: " in composed(about, *one).message


def test_calls_that_failed_since_it_opened_are_counted() -> None:
    streak = Evidence(
        signal=Signal.ERRORS,
        value=1.0,
        threshold=0.5,
        unit="fraction",
        samples=5,
        detail={"in_a_row": True},
    )
    given = replace(facts(), evidence=(streak,))
    assert "the last 5 calls failed" in composed(incident(), given).message
    counts = CallCounts(error=61, rejected=1152)
    assert composed(incident(counts=counts), given).message == (
        "payments OPEN 21 s: all 61 calls that were let through failed, 95% rejected"
    )
    counts = CallCounts(success=2, error=61, rejected=1152)
    assert "61 of 63 calls that were let through failed" in (
        composed(incident(counts=counts), given).message
    )
    pair = incident("open", "cart", counts=counts)
    assert "worst payments, the last 5 calls failed" in composed(pair, given).message


def test_after_a_restart_the_figures_of_now_are_told_once_there_are_some() -> None:
    slow: dict[str, Any] = {"current_percentile_exact_ms": 2321.0, "window_calls": 60}
    assert composed(incident(), facts("open-since-restart", **slow)).message == (
        "payments still open since before the restart: p95 latency 2,321 ms (limit 600 ms), all "
        "calls rejected"
    )
    fail: dict[str, Any] = {"error_rate": 0.6, "error_threshold": 0.5, "window_calls": 60}
    assert "restart: 60% of calls fail (limit 50%)" in (
        composed(incident(), facts("open-since-restart", **fail)).message
    )


def test_names_stand_as_far_as_there_is_room() -> None:
    others = [f"service-{index}" for index in range(60)]
    made = composed(incident("open", *others), error_rate("service-7", 0.6))
    assert len(made.message) <= 130
    assert made.message.startswith(
        "payments, service-0, service-1, service-2 and 57 more OPEN 21 s: worst "
    )
    assert "worst service-7, 60% of calls fail (limit 5%)" in made.message
    assert all(name in made.description for name in others)
    assert made.details["Breakers"].count(",") == len(others)
    assert sum(tag.startswith("Breaker:") for tag in made.tags) == 20 - 6


def test_the_figures_of_several_processes_are_merged() -> None:
    slow = replace(facts("latency"), process="a")
    slower = replace(facts("latency", current_percentile_exact_ms=1500.0), process="b")
    assert composed(incident("latency"), slow, slower).message == (
        "payments slow for 21 s: p95 latency 1,500 ms (limit 600 ms, worst of 2 processes)"
    )
    many = facts("service-level", window_calls=30)
    few = facts(
        "service-level",
        window_calls=10,
        slo={"stated_success_rate": 0.99, "observed_success_rate": 0.95, "missed": True},
    )
    assert "35% fail or time out" in composed(incident("degraded"), many, few).message


# --- room


def test_the_service_gives_way_before_the_figures() -> None:
    settings = OpsGenieSettings(api_name="Payment API")
    made = composed(incident(), facts(), opsgenie=settings)
    assert made.message.startswith("Payment API/payments OPEN 21 s: 45%")
    long = OpsGenieSettings(api_name="n" * 100)
    assert composed(incident(), facts(), opsgenie=long).message.startswith("payments OPEN")


def test_a_long_note_of_an_operator_is_cut() -> None:
    given = replace(facts("opened-by-operator"), note="ada: " + "long " * 60)
    made = composed(incident(), given).message
    assert made.startswith("payments opened by ada 21 s ago: long long")
    assert made.endswith("…")
    assert len(made) <= 130


def test_a_hang_in_one_of_two_processes_has_the_figures_of_that_one() -> None:
    hung = replace(facts("open-by-hang"), process="a", spread=Spread(2))
    well = replace(
        facts("open-by-hang", state="CLOSED"), process="b", spread=Spread(2), evidence=()
    )
    assert composed(incident(), hung, well).message == (
        "payments OPEN 21 s in 1 of 2 processes: 2,142 calls in flight, none has returned for 31 s "
        "(limit 0.6 s), all calls rejected there"
    )
    other = replace(hung, process="b")
    limit = "(limit 0.6 s, worst of 2 processes)"
    assert limit in composed(incident(), hung, other).message
