from __future__ import annotations

import json

import pytest

from breakerd.breaker.fleet.episode import NONE, Trouble, opened
from breakerd.breaker.fleet.messages import (
    Act,
    BreakerView,
    Lease,
    LeaseResult,
    MemberInfo,
    PoolSlot,
    PoolView,
    Register,
    Report,
    Slot,
    Totals,
    View,
    Worst,
)
from breakerd.breaker.fleet.wire import WireError, decode_report, decode_view, encode
from tests.support.fleet_reports import MadeMember

EPISODE = opened(NONE, 1000.5, Trouble(3, 4, 1000))


def made_report() -> Report:
    info = MemberInfo("a", 1, "h", "z", "web", 7, "1.0", "d", (("pod", "p-1"),))
    report = MadeMember("a", "h", "z").report(
        Slot(1000, 1, 1), proposal=EPISODE, result=LeaseResult("1.1", "bad")
    )
    return report._replace(
        member=info, registers=(Register("b", "disabled"),), applied=(("x", "done"),)
    )


def made_view() -> View:
    pool = PoolView(
        "fleet", (PoolSlot(1000, 3),), Totals(1), 2, (("open", 2),), (Worst("a"),), EPISODE,
        Lease("1.1", 1001.5),
    )  # fmt: skip
    return View(
        "e",
        1000.5,
        2,
        (BreakerView("b|g", (pool,)),),
        1,
        (Register("b"),),
        (Act("x", "trip", "b"),),
    )


def test_messages_come_back_as_they_were() -> None:
    assert decode_report(encode(made_report())) == made_report()
    assert decode_view(encode(made_view())) == made_view()


def test_a_message_of_the_version_before_lacks_the_newest_fields() -> None:
    data = json.loads(encode(made_report()))
    del data[-1]
    data[4][0][2][0] = data[4][0][2][0][:-2]  # fields of a slot
    report = decode_report(json.dumps(data))
    assert report.protocol == 1
    assert report.breakers[0].slots == (Slot(1000, 1, 1),)


def test_a_message_of_a_newer_version_has_more_fields() -> None:
    data = json.loads(encode(made_view()))
    data.append("new")
    data[3][0][1][0].append("new")
    assert decode_view(json.dumps(data)) == made_view()


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", '["a"]', "[[], 1, 2, 3, 4, 5, 6, 7]"])
def test_what_is_no_message_is_told(text: str) -> None:
    with pytest.raises(WireError):
        decode_report(text)
    with pytest.raises(WireError):
        decode_view(text)
