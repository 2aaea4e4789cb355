"""`/status` and `/breakers` answer for the process, its host, or the fleet."""

from __future__ import annotations

import pytest

from breakerd.breaker.baseline.ddsketch import DDSketch
from breakerd.breaker.fleet.episode import Episode, Trouble, opened
from breakerd.breaker.fleet.local_window import SKETCH
from breakerd.breaker.fleet.messages import BreakerReport, Slot
from tests.support.fleet_planes import Plane, Planes
from tests.support.fleet_reports import MadeMember

PATH = "/breakers/payments/status"
ASKED = ("scope", "fleet_problem", "members", "fleet")
COUNTS = ("processes", "hosts", "silent", "groups")


@pytest.fixture
def members() -> list[MadeMember]:
    return [MadeMember("a", "one"), MadeMember("b", "one"), MadeMember("c", "two")]


@pytest.fixture
def asked(fleet: Planes, members: list[MadeMember]) -> Plane:
    """A process without calls on host one, beside three with calls on two hosts."""
    fleet.tell(members[0], "open", calls=2, failures=2, rejected=7, in_flight=1)
    fleet.tell(members[1], calls=2, in_flight=2)
    fleet.tell(members[2], calls=6, slow=6, timed_out=1)
    return fleet.add("one", looks_on=True)


def test_by_default_it_answers_for_all(asked: Plane) -> None:
    answer = asked.client.get(PATH).json()
    assert (answer["scope"], answer["fleet_problem"]) == ("fleet", "")
    assert answer["members"] == {"open": 1, "closed": 2}
    assert (answer["state"], answer["triggered"], answer["enabled"]) == ("CLOSED", False, True)
    assert (answer["window_calls"], answer["error_rate"], answer["in_flight"]) == (10, 0.2, 3)
    assert [answer["fleet"][key] for key in COUNTS] == [3, 2, 0, 1]
    sums = [answer["fleet"][key] for key in ("calls", "failures", "timed_out", "rejected")]
    assert sums == [10, 2, 1, 7]
    assert answer["fleet"]["episode"] is None


def test_percentiles_are_those_of_all_calls(asked: Plane) -> None:
    one = DDSketch(SKETCH)
    one.add(0.1)
    usual = 1000 * one.percentiles([0.5])[0]
    answer = asked.client.get(PATH).json()
    assert answer["percentile_value"] == 0.5
    assert answer["current_percentile_exact_ms"] > 2 * usual, "most calls are those of host two"
    assert answer["current_percentile_ms"] == round(answer["current_percentile_exact_ms"])
    assert answer["latency_percent_of_threshold"] == pytest.approx(
        answer["current_percentile_exact_ms"] / 5, abs=0.01
    )
    assert answer["latency_ok"]
    host = asked.client.get(f"{PATH}?scope=host").json()
    assert host["current_percentile_exact_ms"] == pytest.approx(usual, abs=0.001)


def test_a_latency_above_the_threshold_is_not_ok(
    asked: Plane, fleet: Planes, members: list[MadeMember]
) -> None:
    report = members[2].report()
    (breaker,) = report.breakers
    slow = (SKETCH.index(2.0), 90)
    fleet.hub.exchange(report._replace(breakers=(breaker._replace(sketch=slow),)))
    answer = asked.client.get(PATH).json()
    assert not answer["latency_ok"]
    assert answer["latency_percent_of_threshold"] > 300


def test_a_host_is_the_processes_on_it(asked: Plane) -> None:
    answer = asked.client.get(f"{PATH}?scope=host").json()
    assert answer["scope"] == "host"
    assert answer["members"] == {"open": 1, "closed": 1}
    assert (answer["state"], answer["triggered"]) == ("OPEN", True), "of two, the one that rejects"
    assert answer["window_calls"] == 4
    assert [answer["fleet"][key] for key in COUNTS] == [2, 1, 0, 1]


def test_a_process_is_itself(asked: Plane, fleet: Planes) -> None:
    asked.registry.get("payments").trip()
    reads = fleet.hub.reads
    answer = asked.client.get(f"{PATH}?scope=process").json()
    assert [answer[key] for key in ASKED] == ["process", "", {}, None]
    assert (answer["state"], answer["reason"], answer["window_calls"]) == ("OPEN", "manual", 0)
    assert fleet.hub.reads == reads


def test_a_state_is_explained_only_by_who_has_it(asked: Plane) -> None:
    asked.registry.get("payments").trip("works", by="ada")
    of_fleet = asked.client.get(PATH).json()
    assert (of_fleet["state"], of_fleet["reason"], of_fleet["note"]) == ("CLOSED", None, "")
    assert (of_fleet["recovery"], of_fleet["retry_after_seconds"]) == (None, 0)
    of_host = asked.client.get(f"{PATH}?scope=host").json()
    assert (of_host["state"], of_host["reason"], of_host["note"]) == ("OPEN", "manual", "works")
    assert of_host["recovery"]["phase"] == "wait"


def test_a_time_of_trouble_is_told_with_the_worst(
    asked: Plane, fleet: Planes, members: list[MadeMember]
) -> None:
    now = int(fleet.hub.now)
    episode = opened(Episode(), fleet.hub.now, Trouble(3, 3, now))
    fleet.hub.exchange(members[0].report(proposal=episode))
    bad = Slot(now, 8, 8)
    fleet.hub.exchange(members[0].report(bad, generation=episode.generation, state="open"))
    answer = asked.client.get(PATH).json()
    found = answer["fleet"]["episode"]
    assert (found["phase"], found["reason"]) == ("open", "failure_streak")
    assert answer["last_trip_time"] == found["opened"] == "1970-01-01T01:23:20Z"
    assert answer["fleet"]["worst"] == [{"member": "a", "host": "one", "calls": 8, "failures": 8}]


def test_who_went_silent_is_no_state(
    asked: Plane, fleet: Planes, members: list[MadeMember]
) -> None:
    fleet.hub.now += 6
    fleet.tell(members[1], "open", calls=1)
    answer = asked.client.get(PATH).json()
    assert (answer["members"], answer["fleet"]["silent"]) == ({"open": 1}, 2)
    listed = asked.client.get("/breakers").json()["breakers"]
    assert {each["name"]: each["silent"] for each in listed}["payments"] == 2


def test_groups_with_other_settings_are_added_up(asked: Plane, fleet: Planes) -> None:
    other = MadeMember("d", "two")
    report = other.report(Slot(int(fleet.hub.now), 5))
    (breaker,) = report.breakers
    fleet.hub.exchange(report._replace(breakers=(breaker._replace(pool="payments|old"),)))
    answer = asked.client.get(PATH).json()
    assert [answer["fleet"][key] for key in COUNTS] == [4, 2, 0, 2]
    assert answer["window_calls"] == 15


@pytest.mark.parametrize("path", [PATH, "/breakers"])
def test_an_unknown_scope_is_refused_and_told(asked: Plane, path: str) -> None:
    answer = asked.client.get(f"{path}?scope=planet")
    assert answer.status_code == (400 if path == PATH else 422)
    (problem,) = answer.json()["errors"]
    assert problem["allowed"] == 'one of "process", "host", "fleet"'


def test_while_the_hub_is_away_it_is_the_process_that_answers(asked: Plane, fleet: Planes) -> None:
    asked.registry.get("payments").trip()
    fleet.hub.away = True
    for wanted in ("", "?scope=fleet", "?scope=host"):
        answer = asked.client.get(PATH + wanted).json()
        assert (answer["scope"], answer["state"]) == ("process", "OPEN")
        assert answer["fleet_problem"] == "the hub is away"
        listed = asked.client.get("/breakers" + wanted).json()
        assert (listed["scope"], listed["fleet_problem"]) == ("process", "the hub is away")
        assert {each["name"]: each["state"] for each in listed["breakers"]}["payments"] == "OPEN"


def test_what_is_no_number_is_told_and_loses_nothing(asked: Plane, fleet: Planes) -> None:
    record = fleet.hub.records.get("pool:payments|web@fleet")
    assert record is not None
    record["totals"] = ["many"] * 8
    answer = asked.client.get(PATH).json()
    assert (answer["scope"], answer["name"]) == ("process", "payments")
    assert answer["fleet_problem"] == "what the hub has cannot be read"


def test_without_a_hub_it_is_as_before(fleet: Planes) -> None:
    alone = fleet.add(hub="none")
    alone.registry.get("payments")
    answer = alone.client.get(PATH).json()
    assert [answer[key] for key in ASKED] == ["process", "", {}, None]
    wanted = alone.client.get(f"{PATH}?scope=fleet").json()
    assert wanted["fleet_problem"] == "[fleet] hub is 'none': each process is alone"
    listed = alone.client.get("/breakers").json()
    assert (listed["scope"], listed["fleet_problem"]) == ("process", "")


def test_many_viewers_are_one_read_a_second(asked: Plane, fleet: Planes) -> None:
    asked.client.get(PATH)
    reads = fleet.hub.reads
    for _ in range(20):
        asked.client.get(PATH)
        asked.client.get("/breakers")
    assert fleet.hub.reads == reads
    fleet.time.now += 1.0
    asked.client.get("/breakers")
    asked.client.get(PATH)
    assert fleet.hub.reads == reads + 2, "the processes, and the pool"


def test_a_failure_is_asked_once_a_second_too(asked: Plane, fleet: Planes) -> None:
    fleet.hub.away = True
    for _ in range(5):
        asked.client.get("/breakers")
    assert fleet.hub.reads == 1


def test_a_list_names_what_only_others_hold(asked: Plane, fleet: Planes) -> None:
    other = (BreakerReport("search|web", "forced_open"), BreakerReport("mail|web", "of later"))
    fleet.hub.exchange(MadeMember("d", "two").report(breakers=other))
    found = {each["name"]: each for each in asked.client.get("/breakers").json()["breakers"]}
    assert (found["search"]["state"], found["search"]["triggered"]) == ("FORCED_OPEN", True)
    assert found["search"]["members"] == {"forced_open": 1}
    assert (found["mail"]["state"], found["mail"]["members"]) == ("CLOSED", {"of later": 1})
    assert found["payments"]["members"] == {"open": 1, "closed": 2}
    assert found["default"]["members"] == {}
    alone = asked.client.get("/breakers?scope=process").json()["breakers"]
    assert [each["name"] for each in alone] == ["default"]


def test_who_looks_on_commands_what_others_hold(asked: Plane, fleet: Planes) -> None:
    done = asked.client.post("/breakers/payments/force-open", json={"reason": "works"}).json()
    assert (done["fleet"]["waiting"], done["fleet"]["without"]) == (3, 0)
    reads = fleet.hub.reads
    asked.client.get("/breakers")
    assert fleet.hub.reads == reads + 1, "what is known is of before the command"
    told = fleet.hub.exchange(MadeMember("a", "one", incarnation=2).report())
    assert [(each.breaker, each.mode) for each in told.registers] == [("payments", "forced_open")]


def test_what_nobody_holds_is_unknown_and_is_not_made(asked: Plane, fleet: Planes) -> None:
    fleet.hub.exchange(MadeMember("d").report(breakers=(BreakerReport("no name|web"),)))
    for name in ("nope", "no%20name"):
        answer = asked.client.post(f"/breakers/{name}/trip")
        assert answer.status_code == 404
        assert {*answer.json()["known"]} >= {"default", "payments"}
    fleet.hub.away = True
    fleet.time.now += 1.0
    assert asked.client.get(PATH).status_code == 404
    assert asked.registry.names() == ["default"]


def test_a_process_that_is_the_only_one_tells_its_own_figures_at_once(fleet: Planes) -> None:
    only = fleet.add("one")
    breaker = only.registry.get("payments")

    def call() -> None:
        assert breaker.allow()
        now = breaker.clock()
        breaker.done(now - 0.2, now)

    call()
    only.meet()
    assert only.client.get(PATH).json()["members"] == {"closed": 1}
    call()
    breaker.trip("works")
    answer = only.client.get(PATH).json()
    assert (answer["scope"], answer["members"]) == ("fleet", {"open": 1})
    assert (answer["state"], answer["note"]) == ("OPEN", "works")
    own = only.client.get(f"{PATH}?scope=process").json()
    for key in ("window_calls", "current_percentile_exact_ms", "error_rate", "in_flight"):
        assert answer[key] == own[key]
    listed = only.client.get("/breakers").json()["breakers"]
    assert {each["name"]: each["state"] for each in listed}["payments"] == "OPEN"
    fleet.tell(MadeMember("a", "two"), calls=4)
    fleet.time.now += 1.0
    shared = only.client.get(PATH).json()
    assert shared["members"] == {"open": 1, "closed": 1}
    assert shared["window_calls"] >= 4
    assert shared["current_percentile_exact_ms"] != own["current_percentile_exact_ms"]
