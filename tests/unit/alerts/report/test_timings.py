"""How long it took until an incident was noticed, paged, acknowledged, well."""

from __future__ import annotations

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Phase
from breakerd.alerts.report.report import Timing
from breakerd.alerts.report.timings import timings
from tests.support.incident_reports import OPENED, incident, slot, slots


def named(*given: Timing) -> dict[str, Timing]:
    return {each.name: each for each in given}


def test_all_count_from_the_beginning_of_the_trouble() -> None:
    found = named(*timings(incident(), slots(), 0.95))
    assert {name: each.seconds for name, each in found.items()} == {
        "began": 0,
        "noticed": 30,
        "paged": 50,
        "acknowledged": 110,
        "well": 330,
        "closed": 390,
    }
    assert all(each.definition for each in found.values())


def test_trouble_began_with_the_first_of_the_bad_slots_before_the_incident() -> None:
    good, bad = slot(-40), slot(-20, failures=50)
    known = [slot(-60, 900.0), good, slot(-30, 900.0), bad, slot(-10, 900.0), slot(0)]
    assert timings(incident(), known, 0.95)[0].at == OPENED - 30


def test_without_calls_it_began_when_it_was_noticed() -> None:
    began = timings(incident(), [], 0.95)[0]
    assert began.at == OPENED
    assert "no calls are recorded" in began.remark


def test_trouble_is_not_looked_for_more_than_15_minutes_back() -> None:
    known = [slot(at, 900.0) for at in range(-2000, 0, 10)]
    assert timings(incident(), known, 0.95)[0].at == OPENED - 900


def test_a_receiver_that_pages_nobody_does_not_count() -> None:
    only_log = {"log": DeliveryState(told=[(OPENED + 1, "P3")])}
    paged = named(*timings(incident(deliveries=only_log), [], 0.95))["paged"]
    assert (paged.at, paged.seconds) == (None, None)
    assert paged.remark == "no receiver that pages people has confirmed it"
    held = named(*timings(incident(deliveries={}, muted_by="silence"), [], 0.95))["paged"]
    assert held.remark == "held back: silence"


def test_to_close_it_by_hand_is_to_take_it_on() -> None:
    state = DeliveryState(closed_manually_at=OPENED + 40)
    found = named(*timings(incident(deliveries={"jsm": state}), [], 0.95))
    assert found["acknowledged"].at == OPENED + 40
    assert "once a minute" in found["acknowledged"].remark


def test_what_has_not_happened_has_no_time_and_says_so() -> None:
    active = incident(phase=Phase.ACTIVE, closed_at=0.0, resolving_since=0.0, deliveries={})
    found = named(*timings(active, [], 0.95))
    assert [each for each in found if found[each].at is None] == [
        "paged", "acknowledged", "well", "closed",
    ]  # fmt: skip
    assert found["acknowledged"].remark == "nobody has, so far"
    assert found["closed"].remark == "it is in progress"
