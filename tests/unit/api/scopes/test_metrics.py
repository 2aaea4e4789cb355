"""`/metrics` sums the processes of a host; `/fleet` lists those of the fleet."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from breakerd.breaker.fleet.messages import MemberInfo
from tests.support.fleet_planes import Plane, Planes
from tests.support.fleet_reports import MadeMember


def value(plane: Plane, name: str, path: str = "/metrics", **labels: str) -> float | None:
    answer = plane.client.get(path)
    assert answer.status_code == 200
    found = [
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found[0] if found else None


def call(plane: Plane, number: int) -> None:
    breaker = plane.registry.get("payments")
    for _ in range(number):
        assert breaker.allow()
        now = breaker.clock()
        breaker.done(now - 0.02, now)


def successes(plane: Plane, path: str = "/metrics") -> float | None:
    return value(plane, "breaker_calls_total", path, breaker="payments", outcome="success")


def test_a_scrape_sums_the_processes_of_the_host(fleet: Planes) -> None:
    one, other, elsewhere = fleet.add("one"), fleet.add("one"), fleet.add("two")
    for plane, number in ((one, 1), (other, 2), (elsewhere, 4)):
        call(plane, number)
    for plane in (one, other, one):
        plane.client.get("/metrics")
    assert [successes(plane) for plane in (one, other, elsewhere)] == [3, 3, 4]
    assert [successes(plane, "/metrics?scope=process") for plane in (one, other)] == [1, 2]
    other.registry.get("payments").trip()
    other.client.get("/metrics")
    states = {
        state: value(one, "breaker_state", breaker="payments", state=state)
        for state in ("OPEN", "CLOSED", "DISABLED")
    }
    assert states == {"OPEN": 1, "CLOSED": 1, "DISABLED": 0}
    moved = {"breaker": "payments", "from": "CLOSED", "to": "OPEN", "reason": "manual"}
    assert value(one, "breaker_transitions_total", **moved) == 1
    assert value(one, "breaker_call_duration_seconds_count", breaker="payments") == 3
    assert value(one, "breaker_concurrency_limit", breaker="payments") == float("inf")
    assert value(one, "breaker_healthy", breaker="payments") == 1


def test_what_nobody_has_called_is_told_by_the_process_that_answers(fleet: Planes) -> None:
    plane = fleet.add("one")
    assert value(plane, "breaker_state", breaker="default", state="CLOSED") == 1
    assert value(plane, "breaker_calls_total", breaker="default", outcome="error") == 0


def test_counts_of_ended_processes_stay_without_a_limit_or_a_state(fleet: Planes) -> None:
    ended, other = fleet.add("one"), fleet.add("one")
    call(ended, 3)
    ended.close_counters()
    assert successes(other) == 3
    assert value(other, "breaker_state", breaker="payments", state="CLOSED") == 0
    assert value(other, "breaker_concurrency_limit", breaker="payments") == float("inf")


def test_calls_in_a_status_are_those_of_the_host(fleet: Planes) -> None:
    one, other = fleet.add("one"), fleet.add("one")
    call(one, 2)
    call(other, 3)
    one.client.get("/metrics")
    path = "/breakers/payments/status"
    assert other.client.get(path).json()["calls"]["success"] == 5
    assert other.client.get(f"{path}?scope=host").json()["calls"]["success"] == 5
    assert other.client.get(f"{path}?scope=process").json()["calls"]["success"] == 3


def test_without_a_hub_it_is_the_process(fleet: Planes) -> None:
    alone = fleet.add("one", hub="none")
    call(alone, 2)
    assert successes(alone) == successes(alone, "/metrics?scope=host") == 2
    assert value(alone, "breakerd_fleet_hub_up") is None


def test_the_hub_and_the_exchanges_are_counted(fleet: Planes) -> None:
    plane = fleet.add("one")
    call(plane, 1)
    plane.meet()
    assert value(plane, "breakerd_fleet_hub_up") == 1
    assert value(plane, "breakerd_fleet_members", state="live") == 1
    assert value(plane, "breakerd_fleet_members", state="silent") == 0
    fleet.tell(MadeMember("gone"))
    fleet.hub.now += 6
    plane.meet()
    assert value(plane, "breakerd_fleet_members", state="silent") == 1
    count = value(plane, "breakerd_fleet_exchange_seconds_count")
    assert count is not None
    assert count >= 3


def test_the_fleet_names_its_processes_and_who_differs(fleet: Planes) -> None:
    for name, host, digest in (("a", "two", "x"), ("b", "one", "x"), ("c", "one", "y")):
        report = MadeMember(name).report()
        info = MemberInfo(name, 1, host, role="web", pid=7, version="1.0", digest=digest)
        fleet.hub.exchange(report._replace(member=info))
    control = fleet.add("one", looks_on=True)
    answer = control.client.get("/fleet").json()
    assert [each["id"] for each in answer["members"]] == ["b", "c", "a"]
    assert [each["settings_differ"] for each in answer["members"]] == [False, True, False]
    assert answer["members"][0]["breakers"] == {"payments": "closed"}
    hub = answer["hub"]
    assert (hub["up"], hub["problem"]) == (True, "")
    assert hub["exchanges"] >= 2
    assert 0 < hub["exchange_p50_seconds"] <= hub["exchange_p99_seconds"]
    fleet.hub.away = True
    fleet.time.now += 1.0
    assert control.client.get("/fleet").json()["members"] == []


def test_before_the_first_exchange_no_time_is_known(fleet: Planes) -> None:
    fleet.hub.away = True
    alone = fleet.add("one", hub="none")
    hub = alone.client.get("/fleet").json()["hub"]
    assert (hub["exchanges"], hub["exchange_p50_seconds"]) == (0, None)
