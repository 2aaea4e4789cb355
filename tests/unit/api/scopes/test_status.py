"""`/status` and `/breakers` answer for the process, its host, or the fleet."""

from __future__ import annotations

import pytest

from tests.support.fleet_planes import Plane, Planes

PATH = "/breakers/payments/status"
ASKED = ("scope", "fleet_problem", "members", "fleet")


@pytest.fixture
def three(fleet: Planes) -> list[Plane]:
    """Three processes on two hosts; the breaker of the first one is open."""
    made = [fleet.add("one"), fleet.add("one"), fleet.add("two")]
    made[0].call("payments", 0.1, 0.1, error=True)
    made[1].call("payments", 0.2, 0.2)
    made[2].call("payments", 0.4)
    made[0].registry.get("payments").trip()
    for plane in made:
        plane.meet()
    return made


def test_by_default_it_answers_for_all(three: list[Plane]) -> None:
    answers = [plane.client.get(PATH).json() for plane in three]
    for answer in answers:
        assert answer["scope"] == "fleet"
        assert answer["fleet_problem"] == ""
        assert answer["members"] == {"open": 1, "closed": 2}
        assert (answer["state"], answer["triggered"], answer["enabled"]) == ("CLOSED", False, True)
        assert answer["window_calls"] == 5
        assert answer["error_rate"] == 0.4
        assert answer["current_percentile_ms"] == pytest.approx(200, rel=0.15)
        assert answer["latency_ok"]
        counts = {key: answer["fleet"][key] for key in ("processes", "hosts", "silent", "groups")}
        assert counts == {"processes": 3, "hosts": 2, "silent": 0, "groups": 1}
        assert answer["fleet"]["calls"] == 5
        assert answer["fleet"]["failures"] == 2
        assert [worst["failures"] for worst in answer["fleet"]["worst"]] == [2]
        assert answer["fleet"]["episode"] is None
        # They would explain another state.
        assert (answer["reason"], answer["evidence"], answer["recovery"]) == (None, [], None)


def test_a_host_is_the_processes_on_it(three: list[Plane]) -> None:
    answer = three[0].client.get(f"{PATH}?scope=host").json()
    assert answer["scope"] == "host"
    assert answer["members"] == {"open": 1, "closed": 1}
    assert answer["state"] == "OPEN", "of two as frequent, the one that rejects"
    assert answer["reason"] == "manual"
    assert answer["window_calls"] == 4
    other = three[2].client.get(f"{PATH}?scope=host").json()
    assert (other["members"], other["window_calls"]) == ({"closed": 1}, 1)


def test_a_process_is_itself(three: list[Plane], fleet: Planes) -> None:
    reads = fleet.hub.reads
    answer = three[0].client.get(f"{PATH}?scope=process").json()
    assert [answer[key] for key in ASKED] == ["process", "", {}, None]
    assert (answer["state"], answer["reason"]) == ("OPEN", "manual")
    assert fleet.hub.reads == reads


@pytest.mark.parametrize("path", [PATH, "/breakers"])
def test_an_unknown_scope_is_refused_and_told(three: list[Plane], path: str) -> None:
    answer = three[0].client.get(f"{path}?scope=planet")
    assert answer.status_code in (400, 422)
    assert "'process', 'host' or 'fleet'" in answer.text


def test_while_the_hub_is_away_it_is_the_process_that_answers(
    three: list[Plane], fleet: Planes
) -> None:
    fleet.hub.away = True
    for wanted in ("", "?scope=fleet", "?scope=host"):
        answer = three[0].client.get(PATH + wanted).json()
        assert (answer["scope"], answer["state"]) == ("process", "OPEN")
        assert answer["fleet_problem"] == "the hub is away"
        listed = three[0].client.get("/breakers" + wanted).json()
        assert (listed["scope"], listed["fleet_problem"]) == ("process", "the hub is away")
        assert {each["name"]: each["state"] for each in listed["breakers"]}["payments"] == "OPEN"


def test_without_a_hub_it_is_as_before(fleet: Planes) -> None:
    alone = fleet.add(hub="none")
    alone.call("payments", 0.1)
    answer = alone.client.get(PATH).json()
    assert [answer[key] for key in ASKED] == ["process", "", {}, None]
    asked = alone.client.get(f"{PATH}?scope=fleet").json()
    assert asked["fleet_problem"] == "[fleet] hub is 'none': each process is alone"
    listed = alone.client.get("/breakers").json()
    assert (listed["scope"], listed["fleet_problem"]) == ("process", "")


def test_many_viewers_are_one_read_a_second(three: list[Plane], fleet: Planes) -> None:
    reads = fleet.hub.reads
    for _ in range(20):
        three[0].client.get(PATH)
        three[0].client.get("/breakers")
    assert fleet.hub.reads == reads + 2, "the processes, and the pool"
    fleet.time.now += 1.0
    three[0].client.get("/breakers")
    assert fleet.hub.reads == reads + 3


def test_a_failure_is_asked_once_a_second_too(three: list[Plane], fleet: Planes) -> None:
    fleet.hub.away = True
    reads = fleet.hub.reads
    for _ in range(5):
        three[0].client.get(PATH)
    assert fleet.hub.reads == reads + 1


def test_a_list_names_what_only_others_hold(three: list[Plane]) -> None:
    three[2].call("search", 0.1)
    three[2].registry.get("search").force_open()
    three[2].meet()
    listed = three[0].client.get("/breakers").json()
    found = {each["name"]: each for each in listed["breakers"]}
    assert (found["search"]["state"], found["search"]["triggered"]) == ("FORCED_OPEN", True)
    assert found["search"]["members"] == {"forced_open": 1}
    assert found["payments"]["members"] == {"open": 1, "closed": 2}
    assert found["default"]["members"] == {}
    alone = three[0].client.get("/breakers?scope=process").json()
    assert "search" not in {each["name"] for each in alone["breakers"]}


def test_who_only_looks_shows_and_commands_what_others_hold(
    three: list[Plane], fleet: Planes
) -> None:
    control = fleet.add("one")
    answer = control.client.get(PATH).json()
    assert (answer["name"], answer["members"]) == ("payments", {"open": 1, "closed": 2})
    assert answer["fleet"]["processes"] == 3
    done = control.client.post("/breakers/payments/force-open", json={"reason": "works"}).json()
    assert done["fleet"]["applied"] == 3
    assert done["fleet"]["without"] == 0
    assert {plane.registry.get("payments").state.value for plane in three} == {"FORCED_OPEN"}
    assert len(fleet.hub.members()) == 3


@pytest.mark.usefixtures("three")
def test_what_nobody_holds_is_unknown_and_is_not_made(fleet: Planes) -> None:
    control = fleet.add("one")
    answer = control.client.post("/breakers/nope/trip")
    assert answer.status_code == 404
    assert answer.json()["known"] == ["default", "payments"]
    fleet.hub.away = True
    fleet.time.now += 1.0
    assert control.client.get(PATH).status_code == 404
    assert control.registry.names() == ["default"]
