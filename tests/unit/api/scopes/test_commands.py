"""A command over HTTP tells what has become of all processes, whichever of them is asked."""

from __future__ import annotations

import pytest

from breakerd.breaker.fleet.messages import Act, Register
from breakerd.breaker.fleet.runtime import commands
from tests.support.fleet_members import called
from tests.support.fleet_planes import Plane, Planes

BREAKER = "/breakers/payments"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ANSWER_TIME", 60.0)


@pytest.fixture
def workers(fleet: Planes, monkeypatch: pytest.MonkeyPatch) -> list[Plane]:
    """Two processes with calls, which look at the hub as soon as it has a command."""
    made = [fleet.add(), fleet.add()]
    for each in made:
        called(each.registry)
        each.meet()
    hub = fleet.hub
    give, set_mode = hub.act, hub.set_mode

    def wake() -> None:
        for each in made:
            each.runtime.exchange_soon()

    def act(wanted: Act) -> Act:
        given = give(wanted)
        wake()
        return given

    def mode(wanted: Register) -> Register:
        given = set_mode(wanted)
        wake()
        return given

    monkeypatch.setattr(hub, "act", act)
    monkeypatch.setattr(hub, "set_mode", mode)
    return made


@pytest.fixture
def control(fleet: Planes, workers: list[Plane]) -> Plane:
    """A control plane beside them."""
    assert workers
    return fleet.add(looks_on=True)


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("trip", "OPEN"),
        ("disabled", "DISABLED"),
        ("force-open", "FORCED_OPEN"),
        ("trigger-by-latency", "OPEN"),
        ("trigger-by-memory", "OPEN"),
    ],
)
def test_who_looks_on_tells_the_state_of_the_others(
    control: Plane, workers: list[Plane], path: str, state: str
) -> None:
    answer = control.client.post(f"{BREAKER}/{path}").json()
    assert answer["fleet"]["text"] == "applied 2, waiting 0, silent 0, without this breaker 0"
    assert (answer["state"], answer["triggered"]) == (state, state != "DISABLED")
    assert [each.registry.get("payments").state.value for each in workers] == [state] * 2
    entry = control.client.get("/audit").json()["entries"][0]
    assert entry["before"] == {}, "it does not know"
    assert (entry["after"]["state"], entry["after"]["fleet"]) == (state, answer["fleet"]["text"])


def test_a_drill_is_told_as_one_by_who_looks_on(control: Plane, workers: list[Plane]) -> None:
    answer = control.client.post(f"{BREAKER}/trigger-by-latency").json()
    assert (answer["drill"], answer["measurements_added"]) == (True, 0)
    assert all(each.registry.get("payments").status()["drill"] for each in workers)
    ended = control.client.post(f"{BREAKER}/reset").json()
    assert (ended["state"], ended["fleet"]["applied"]) == ("CLOSED", 2)
    answer = control.client.post(f"{BREAKER}/restore-memory-check").json()
    assert (answer["drill"], answer["fleet"]["applied"]) == (False, 2)


def test_a_drill_in_all_tells_the_simulated_calls_of_one(workers: list[Plane]) -> None:
    answer = workers[0].client.post(f"{BREAKER}/trigger-by-latency").json()
    assert (answer["fleet"]["applied"], answer["drill"]) == (2, True)
    assert answer["measurements_added"] > 0


@pytest.mark.parametrize("path", ["trip", "trigger-by-latency", "trigger-by-memory"])
def test_in_the_scope_of_a_process_it_is_done_there_alone(workers: list[Plane], path: str) -> None:
    answer = workers[1].client.post(f"{BREAKER}/{path}?scope=process").json()
    assert answer["state"] == "OPEN"
    assert "fleet" not in answer
    states = [each.registry.get("payments").state.value for each in workers]
    assert states == ["CLOSED", "OPEN"]


def test_what_no_process_can_do_is_a_conflict(control: Plane) -> None:
    control.client.post(f"{BREAKER}/disabled")
    for path in ("trip", "trigger-by-latency", "trigger-by-memory"):
        answer = control.client.post(f"{BREAKER}/{path}")
        assert answer.status_code == 409, path


def test_afterwards_whoever_is_asked_tells_the_same(control: Plane, workers: list[Plane]) -> None:
    everybody = [control, *workers]
    for each in everybody:  # all know the answer of before
        assert each.client.get(f"{BREAKER}/status").json()["state"] == "CLOSED"
    workers[0].client.post(f"{BREAKER}/force-open")
    control.meet()
    told = [each.client.get(f"{BREAKER}/status").json() for each in everybody]
    assert [(each["state"], each["members"]) for each in told] == [
        ("FORCED_OPEN", {"forced_open": 2})
    ] * 3


def test_calls_that_a_command_follows_are_in_the_next_status(workers: list[Plane]) -> None:
    asked = workers[0]
    before = asked.client.get(f"{BREAKER}/status").json()["calls"]["success"]
    called(asked.registry)
    asked.client.post(f"{BREAKER}/trip?scope=process")
    assert asked.client.get(f"{BREAKER}/status").json()["calls"]["success"] == before + 1
