"""Description: what is wrong, what it means, what happens next, what to do; then figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breakerd import AlertsSettings
from breakerd.alerts.content.topics import Topic
from breakerd.alerts.model.content import Spread
from breakerd.alerts.model.figures import CallCounts
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.note import Hold
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import Reason, State
from tests.support.alert_facts import NOW, OPENED, composed, facts, incident, line

COUNTS = CallCounts(success=3777, error=4120, rejected=12_403)


def test_on_call_reads_first_what_to_know() -> None:
    made = composed(incident(counts=COUNTS), facts(), public_url="https://ops.example")
    assert made.description.splitlines()[:7] == [
        "What: payments OPEN 21 s: 45% of calls fail (limit 5%).",
        "Since: 08:00:00 UTC (21 s ago)",
        (
            "Impact: 12,403 of 20,300 calls rejected (61%), 4,120 failed (20%) since it began; "
            "all calls are rejected now."
        ),
        (
            "Next: it lets a few calls through as probes in 9 s; it closes if they succeed. The "
            "alert becomes P2 in 39 s unless somebody acknowledges it."
        ),
        (
            "Do: read the errors of the calls, check the dependency and the last release on either "
            "side."
        ),
        "Incident: https://ops.example/#alert=ab12",
        "Runbook: https://github.com/breakerd/breakerd/blob/main/docs/runbook.md#open-by-errors",
    ]
    assert made.details["Incident"] == "https://ops.example/#alert=ab12"
    assert not {"System", "Python"} & set(made.description.split())


def test_then_the_measurements() -> None:
    made = composed(incident("latency"), facts("latency")).description
    for wanted in (
        "Latency: p95 912 ms (limit 600 ms, 64 calls)",
        "Latest:  ▁▁▁▁▁▁▁▁▁▂▁▁▁▁▁▁▁▁▁▂▂▃▄▅▆▇▇█████ (oldest first, full height 912 ms)",
        "Spread: p50 104 ms, p90 870 ms, p99 912 ms, highest 912 ms",
        "Trend: rising, +2.1% a call",
        "Memory: 52% used (limit 80%)",
        "In flight: 18 calls",
    ):
        assert wanted in made.splitlines()
    loaded = composed(incident("degraded"), facts("machine-load")).description
    assert "Load: CPU pressure 64%" in loaded.splitlines()


def test_of_a_hang_no_latency_is_told_as_if_it_were_of_now() -> None:
    given = facts("open-by-hang", current_percentile_exact_ms=97.0, window_calls=64)
    made = composed(incident(counts=COUNTS), given)
    assert line(made, "What") == (
        "payments OPEN 21 s: 2,142 calls in flight, none has returned for 31 s (limit 0.6 s)."
    )
    assert "Latency before that: p95 97 ms (limit 600 ms, 64 calls)" in made.description
    probing = facts("open-by-hang", state="HALF_OPEN", recovery={"phase": "probes"})
    assert "OPEN 21 s: calls do not return" in composed(incident(), probing).message


def test_calls_that_return_late_are_slow_although_others_have_not_returned() -> None:
    late: dict[str, Any] = {"current_percentile_exact_ms": 2321.0, "latency_threshold_ms": 600.0}
    given = facts("open-by-hang", state="HALF_OPEN", window_calls=60, slo=None, **late)
    made = composed(incident(given.kind), given)
    assert "p95 latency 2,321 ms (limit 600 ms)" in made.message
    assert "#open-by-latency" in line(made, "Runbook")
    assert "Before that" not in made.description


def test_what_users_feel_goes_before_what_is_unusual() -> None:
    evidence = facts("anomaly").evidence
    both = replace(facts("service-level"), evidence=evidence)
    made = composed(incident("degraded"), both)
    assert made.topic == "service-level"
    assert line(made, "Also").startswith("calls are slow and pile up: 310 ms")


def test_a_percentile_of_no_calls_is_no_figure() -> None:
    given = facts("open-since-restart", current_percentile_exact_ms=None)
    made = composed(incident(), given)
    assert "Latency: no call has ended lately" in made.description
    assert " 0 ms" not in made.description
    assert "LatencyPercentileMs" not in made.details


@pytest.mark.parametrize(("errors", "shown"), [(0.0, True), (0.4, False)])
def test_latency_that_falls_because_calls_fail_is_no_good_news(errors: float, shown: bool) -> None:
    made = composed(incident(), facts("open", trend="falling", error_rate=errors))
    assert ("Trend: falling" in made.description) is shown


def test_who_opened_it_is_asked() -> None:
    given = replace(facts("opened-by-operator", note_by=""), note="ada: deploying")
    assert line(composed(incident(), given), "Do").startswith("ask ada, ")


RECOVERY = {"phase": "wait", "share": 0.0, "seconds_left": 0.25}


@pytest.mark.parametrize(
    ("kind", "status", "sentence"),
    [
        ("open", {"state": "FORCED_OPEN"}, "it rejects every call until somebody resets it."),
        ("open", {"memory_ok": False}, "it stays open until memory is below its limit."),
        ("open", {"load": {"rejects": True}}, "it stays open until the load is below its limit."),
        (
            "open",
            {"recovery": RECOVERY},
            "it tries the next calls as probes; it closes if they succeed.",
        ),
        (
            "open",
            {"state": "HALF_OPEN", "recovery": {"phase": "probes"}},
            (
                "it has let a few calls through as probes: if they succeed, more follow and it "
                "closes; if one fails, all are rejected again."
            ),
        ),
        (
            "open",
            {"state": "HALF_OPEN", "recovery": {"phase": "ramp", "share": 0.25}},
            "it lets 25% of the calls through, then more; it closes if they go well.",
        ),
        (
            "open",
            {"state": "HALF_OPEN", "recovery": {"phase": "ramp", "share": 1.0}},
            "it lets as many as are served well through, then more; it closes if they go well.",
        ),
        (
            "memory",
            {"state": "HALF_OPEN", "memory_ok": True, "recovery": {"phase": "memory"}},
            "it lets calls through while memory is below its limit.",
        ),
        ("latency", {}, "it admits calls; it opens if they stay slow."),
        (
            "service-level",
            {},
            (
                "it admits every call; it opens only if almost all of them fail, or if a "
                "threshold is crossed."
            ),
        ),
        (
            "overload",
            {},
            (
                "it goes on admitting as many calls as are served well, and turns the others away; "
                "the limit follows what it measures."
            ),
        ),
        (
            "machine-load",
            {},
            "it admits every call: load is reported and rejects nothing.",
        ),
        (
            "machine-load",
            {"load": {"ok": False, "rejects": True}},
            "it rejects every call until the load is below its limit.",
        ),
        ("anomaly", {"state": "WARMING_UP"}, "it admits every call while it learns"),
        ("open", {"state": "DISABLED"}, "it is disabled: it admits every call"),
        (
            "latency",
            {"state": "OBSERVE", "would_be_state": "OPEN"},
            ("it only observes: it reports, and rejects nothing until somebody enables it."),
        ),
    ],
)
def test_says_what_happens_next(kind: str, status: dict[str, Any], sentence: str) -> None:
    given = facts(kind, **status)
    made = composed(incident(given.kind, stage=2), given)
    assert line(made, "Next").startswith(sentence)


@pytest.mark.parametrize("handled", [True, False])
def test_says_when_the_alert_becomes_more_urgent(handled: bool) -> None:
    about = incident()
    about.delivery_to("opsgenie").acknowledged = handled
    told = "The alert becomes P2 in 39 s" in line(composed(about, facts()), "Next")
    assert told is not handled


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("open-by-errors", "open-by-errors"),
        ("open-since-restart", "open-since-restart"),
        ("overload", "overload"),
        ("memory", "memory-high"),
        ("latency", "slow"),
        ("drill", "drill"),
    ],
)
def test_each_kind_has_its_action_and_its_runbook(kind: str, topic: str) -> None:
    given = facts(kind)
    alerts = AlertsSettings(attach_chart=False, runbook_url="https://r/{breaker}/{kind}/{topic}")
    about = incident(given.kind, breaker="pay ments", drill=given.drill)
    made = composed(
        about, replace(given, status={**given.status, "name": "pay ments"}), alerts=alerts
    )
    assert line(made, "Runbook") == f"https://r/pay%20ments/{given.kind}/{topic}"
    assert made.details["Runbook"] == line(made, "Runbook")
    assert line(made, "Do")


def test_every_topic_has_an_action() -> None:
    from breakerd.alerts.content.topics import action

    assert len({action(topic, "b") for topic in Topic}) == len(Topic)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [({}, "Calls are really rejected meanwhile."), ({"state": "CLOSED"}, "No call is rejected.")],
)
def test_a_drill_says_whether_calls_are_rejected(status: dict[str, str], sentence: str) -> None:
    given = facts("drill", **status)
    first = composed(incident(drill=True), given).description.splitlines()[0]
    assert first.startswith("This is a drill: somebody started it")
    assert first.endswith(sentence)


def test_what_was_held_back_says_when_and_by_what() -> None:
    holds = [
        Hold("cooldown until 14 Jan 06:59:01 UTC: told before", OPENED - 91_000, OPENED - 90_060),
        Hold("silenced by ada until 15 Jan 07:59 UTC: deploying", OPENED - 90_000, OPENED - 60),
        Hold("maintenance night until 15 Jan 09:00 UTC: backup", OPENED - 60),
    ]
    made = composed(incident(holds=holds), facts()).description
    assert "06:59 UTC: cooldown: told before" in made
    assert "Held back: 14 Jan 07:00–07:59 UTC: silenced by ada: deploying" in made  # noqa: RUF001
    assert "Held back: 07:59–now UTC: maintenance night until 15 Jan 09:00 UTC: backup" in made  # noqa: RUF001


def test_the_last_transitions_are_those_of_this_incident() -> None:
    def event(at: float, reason: Reason = Reason.ERRORS) -> Transition:
        return Transition(
            breaker="payments",
            at=at,
            monotonic=0.0,
            from_state=State.CLOSED,
            to_state=State.OPEN,
            reason=reason,
        )

    old, new = event(OPENED - 3600, Reason.LATENCY), event(OPENED)
    made = composed(incident(), replace(facts(), transitions=(old, new)), now=NOW + 86_400)
    lines = made.description.splitlines()
    assert lines[lines.index("Recently:") + 1 :] == ["15 Jan 08:00:00 UTC  CLOSED → OPEN, errors"]
    one, two = (
        replace(facts(), transitions=(new,), process=process, spread=Spread(2)) for process in "ab"
    )
    together = composed(incident(), one, two).description
    assert together.endswith("Recently:\n08:00:00 UTC  CLOSED → OPEN, errors (in 2 processes)")


def test_a_group_has_a_line_for_each_of_the_worst() -> None:
    about = incident("open", "cart", "idle")
    about.members["idle"] = Member("open", OPENED, recovered=True)
    made = composed(about, facts(), facts("open-by-latency", "cart"), facts("open", "idle"))
    lines = made.description.splitlines()
    assert lines[0].startswith("What: 3 breakers (1 of them well again) OPEN 21 s: ")
    assert "Breakers: payments, cart, idle" in lines
    assert "- payments: OPEN, 45% of calls fail (limit 5%)" in lines
    assert "- cart: OPEN, p95 latency 912 ms (limit 600 ms)" in lines
    assert not any(each.startswith("- idle") for each in lines)
    assert "Measurements of payments:" in lines


def test_names_of_a_thousand_breakers_stand_in_the_description() -> None:
    names = [f"service-{index}" for index in range(1000)]
    made = composed(incident("open", *names), facts())
    named = set(line(made, "Breakers").split(", "))
    assert named == {"payments", *names}
    assert "Latency: p95" in made.description
    assert len(made.description) <= 15_000
