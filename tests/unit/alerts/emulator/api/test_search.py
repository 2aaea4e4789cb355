from __future__ import annotations

import pytest

from breakerd.alerts.emulator.api.search import SearchError, alert_page, line_page, search
from breakerd.alerts.emulator.state.alert import EmulatedAlert

T = 1_800_000_000.0


def alert(number: int, **fields: str) -> EmulatedAlert:
    body = {"message": f"m{number}", "alias": f"a{number}", **fields}
    made = EmulatedAlert.from_body(T + number, body, id=f"id{number}", tiny_id=str(number))
    made.status = fields.get("status", "open")
    return made


ALERTS = [
    alert(1, priority="P1", entity="payments"),
    alert(2, status="closed", message="two words"),
    alert(10, tags="", source="s"),
]
ALERTS[2].tags = ["Team:ops", "Tier:1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a1", "a2", "a10"]),
        ("status:open", ["a1", "a10"]),
        ("status: open AND priority: P1", ["a1"]),
        ("status:open status:closed", []),
        ('message:"two words"', ["a2"]),
        ("tag:Team:ops", ["a10"]),
        ("alias:a2", ["a2"]),
        ("tinyId:10", ["a10"]),
        ("entity:payments", ["a1"]),
        ("source:s", ["a10"]),
    ],
)
def test_terms_narrow_the_search(query: str, expected: list[str]) -> None:
    assert [found.alias for found in search(ALERTS, {"query": query})] == expected


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"query": "database"}, "only name:value terms joined by AND are emulated, not 'database'"),
        ({"query": "status:open OR status:closed"}, "not 'OR'"),
        ({"query": "colour:red"}, "colour is not one of status"),
        ({"searchIdentifier": "s"}, "saved searches are not emulated"),
    ],
)
def test_what_is_not_emulated_is_said_and_not_left_out(query: dict[str, str], reason: str) -> None:
    with pytest.raises(SearchError, match=reason):
        search(ALERTS, query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["10", "2", "1"]),
        ({"order": "asc"}, ["1", "2", "10"]),
        ({"sort": "tinyId", "order": "asc"}, ["1", "2", "10"]),
        ({"sort": "alias", "order": "asc"}, ["1", "10", "2"]),
        ({"sort": "message"}, ["2", "10", "1"]),
        ({"limit": "2"}, ["10", "2"]),
        ({"limit": "2", "offset": "2"}, ["1"]),
        ({"offset": "9"}, []),
    ],
)
def test_alerts_come_in_pages_and_in_order(query: dict[str, str], expected: list[str]) -> None:
    page, _ = alert_page(ALERTS, query)
    assert [found["tinyId"] for found in page] == expected


def test_a_page_tells_where_the_others_are() -> None:
    _, paging = alert_page(ALERTS, {"limit": "1", "offset": "1", "query": "x:y"})
    assert paging == {
        "first": "?limit=1&offset=0&query=x%3Ay",
        "last": "?limit=1&offset=2&query=x%3Ay",
        "next": "?limit=1&offset=2&query=x%3Ay",
        "prev": "?limit=1&offset=0&query=x%3Ay",
    }
    _, paging = alert_page([], {})
    assert set(paging) == {"first", "last"}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"limit": "0"}, "limit must be an integer, at least 1, not '0'"),
        ({"limit": "x"}, "limit"),
        ({"offset": "-1"}, "offset must be an integer, at least 0"),
        ({"sort": "colour"}, "sort must be one of createdAt"),
        ({"order": "up"}, "order must be one of desc, asc, not 'up'"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(query: dict[str, str], reason: str) -> None:
    with pytest.raises(SearchError, match=reason):
        alert_page(ALERTS, query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["e", "d", "c", "b", "a"]),
        ({"order": "asc"}, ["a", "b", "c", "d", "e"]),
        ({"limit": "2"}, ["e", "d"]),
        ({"limit": "2", "offset": "4"}, ["c", "b"]),
        ({"limit": "2", "offset": "2", "direction": "prev"}, ["d", "c"]),
        ({"limit": "2", "offset": "5", "direction": "prev"}, []),
        ({"limit": "9", "offset": "3", "direction": "prev", "order": "asc"}, ["a", "b"]),
    ],
)
def test_lines_come_in_pages_from_an_offset_on(query: dict[str, str], expected: list[str]) -> None:
    page, _ = line_page("abcde", query)
    assert [line for _, line in page] == expected


def test_following_the_pages_of_lines_shows_each_once() -> None:
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page, paging = line_page("abcde", query)
        seen += [line for _, line in page]
        if "next" not in paging:
            break
        query = dict(pair.split("=") for pair in paging["next"][1:].split("&"))
    assert seen == ["e", "d", "c", "b", "a"]
