from __future__ import annotations

import math

import pytest

from breakerd.alerts.emulator import Fault, FaultError, FaultKind, schedule_from_json


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"kind": "flood"}, "kind: found 'flood', allowed is one of down, refuse"),
        ({"kind": "down", "share": 1.1}, "share: found 1.1"),
        ({"kind": "down", "share": "all"}, "share: found 'all'"),
        ({"kind": "down", "share": True}, "share: found True"),
        ({"kind": "down", "times": 0}, "times: found 0"),
        ({"kind": "down", "times": 1.5}, "times: found 1.5"),
        ({"kind": "down", "lasting": 0}, "lasting: found 0"),
        ({"kind": "down", "after": -1}, "after: found -1"),
        ({"kind": "down", "after": "soon"}, "after: found 'soon'"),
        ({"kind": "refuse", "share": 0.5}, "neither share nor times nor path"),
        ({"kind": "refuse", "times": 1}, "neither share nor times nor path"),
        ({"kind": "refuse", "path": "/close"}, "neither share nor times nor path"),
        ({"kind": "slow", "delay": -1}, "delay: found -1"),
        ({"kind": "slow", "delay": math.inf}, "delay: found inf"),
        ({"kind": "error", "status": 404}, "status: found 404, allowed is 500 to 599 for error"),
        ({"kind": "html", "status": 600}, "status: found 600, allowed is 200 to 599 for html"),
        ({"kind": "down", "path": 1}, "path: found 1"),
        ({"kind": "down", "colour": "red"}, "colour: unknown; allowed are kind, share"),
        ({"share": 1}, "is not a JSON object with a kind"),
        (["down"], "is not a JSON object with a kind"),
    ],
)
def test_a_fault_that_makes_no_sense_is_not_made(data: object, reason: str) -> None:
    with pytest.raises(FaultError, match=reason):
        Fault.from_json(data)


def test_a_fault_is_made_from_json() -> None:
    fault = Fault.from_json({"kind": "error", "share": 0.5, "times": 3, "status": 500})
    assert fault == Fault(FaultKind.ERROR, share=0.5, times=3, status=500)


def test_a_schedule_is_made_from_a_list_or_from_one_fault() -> None:
    down, slow = {"kind": "down", "lasting": 5}, {"kind": "slow", "after": 5}
    assert schedule_from_json(down) == [Fault(FaultKind.DOWN, lasting=5)]
    assert schedule_from_json([down, slow]) == [
        Fault(FaultKind.DOWN, lasting=5), Fault(FaultKind.SLOW, after=5),
    ]  # fmt: skip
    assert schedule_from_json([]) == []


def test_a_schedule_tells_which_fault_makes_no_sense() -> None:
    with pytest.raises(FaultError, match="fault 2: kind: found 'flood'"):
        schedule_from_json([{"kind": "down"}, {"kind": "flood"}])
