"""Lookup of an incident by what people have of it."""

from __future__ import annotations

import pytest

from breakerd.alerts.report.lookup import UnknownIncidentError, lookup
from tests.support.incident_reports import incident

LATEST = [
    incident(id="aaaa11112222", alias="breakerd:box:payments:7", breaker="payments"),
    incident(id="aaaa33334444", alias="breakerd:box:search:7", breaker="search"),
    incident(id="bbbb11112222", alias="breakerd:box:payments:7", breaker="payments"),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("bbbb11112222", 2), ("bbbb", 2), ("aaaa3", 1), ("breakerd:box:payments:7", 0)],
)
def test_by_id_part_of_it_or_alias(wanted: str, index: int) -> None:
    assert lookup(wanted, LATEST) is LATEST[index]


def test_what_begins_several_names_them() -> None:
    with pytest.raises(UnknownIncidentError, match=r"begins several ids: aaaa11112222 \(payments"):
        lookup("aaaa", LATEST)


def test_what_is_too_short_or_unknown_names_the_near_ones() -> None:
    with pytest.raises(UnknownIncidentError, match="unknown incident 'bbb'; the nearest are bbbb"):
        lookup("bbb", LATEST)
    with pytest.raises(UnknownIncidentError, match=r"nearest are aaaa33334444 \(search, closed\)"):
        lookup("serch", LATEST)


def test_without_incidents_it_says_so() -> None:
    with pytest.raises(UnknownIncidentError, match="there has been no incident"):
        lookup("aaaa", [])
