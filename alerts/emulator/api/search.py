"""Searches alerts, and divides lists into pages."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from breakerd.alerts.emulator.state.alert import EmulatedAlert, Json

T = TypeVar("T")

MAX_PAGE: Final = 100
_PAGE: Final = 20
_TERM: Final = re.compile(r'(\w+)\s*:\s*(?:"([^"]*)"|(\S+))')
_AND: Final = re.compile(r"\band\b", re.IGNORECASE)
_FIELDS: Final[dict[str, Callable[[EmulatedAlert], Iterable[str]]]] = {
    "status": lambda alert: [alert.status],
    "alias": lambda alert: [alert.alias],
    "priority": lambda alert: [alert.priority],
    "tinyId": lambda alert: [alert.tiny_id],
    "message": lambda alert: [alert.message],
    "entity": lambda alert: [alert.entity],
    "source": lambda alert: [alert.source],
    "tag": lambda alert: alert.tags,
}
_SORTS: Final[dict[str, Callable[[EmulatedAlert], float | str]]] = {
    "createdAt": lambda alert: alert.created_at,
    "updatedAt": lambda alert: alert.updated_at,
    "lastOccurredAt": lambda alert: alert.last_occurred_at,
    "tinyId": lambda alert: int(alert.tiny_id),
    "alias": lambda alert: alert.alias,
    "message": lambda alert: alert.message,
    "status": lambda alert: alert.status,
    "count": lambda alert: alert.count,
    "acknowledged": lambda alert: alert.acknowledged,
}


class SearchError(ValueError):
    """A query parameter is invalid, or not emulated."""


def search(alerts: Iterable[EmulatedAlert], query: dict[str, str]) -> list[EmulatedAlert]:
    """Return the alerts that match `query`, as `status:open AND alias:"x"`; all terms are exact.

    Raises:
        SearchError: a part of the query is not emulated.
    """
    text = query.get("query", "")
    if left := _AND.sub("", _TERM.sub("", text)).strip():
        raise SearchError(f"query: only name:value terms joined by AND are emulated, not {left!r}")
    if "searchIdentifier" in query:
        raise SearchError("searchIdentifier: saved searches are not emulated")
    terms = [(name, quoted or plain) for name, quoted, plain in _TERM.findall(text)]
    for name, _ in terms:
        if name not in _FIELDS:
            raise SearchError(f"query: {name} is not one of {', '.join(_FIELDS)}")
    return [a for a in alerts if all(value in _FIELDS[name](a) for name, value in terms)]


def alert_page(alerts: list[EmulatedAlert], query: dict[str, str]) -> tuple[list[Json], Json]:
    """Return one page of alerts in the API's form, and links to the others.

    Raises:
        SearchError: a parameter is out of range.
    """
    offset, limit = page_bounds(query)
    ordered = sort_alerts(alerts, query, _SORTS[_one_of(query, "sort", _SORTS)])
    last = max(0, (len(ordered) - 1) // limit * limit)
    offsets = {"first": 0, "last": last}
    if offset + limit < len(ordered):
        offsets["next"] = offset + limit
    if offset > 0:
        offsets["prev"] = max(0, offset - limit)
    paging = {name: _link(query, offset=at, limit=limit) for name, at in offsets.items()}
    return [alert.as_json() for alert in ordered[offset : offset + limit]], paging


def page_bounds(query: dict[str, str], size: str = "limit") -> tuple[int, int]:
    """Return the offset of a page of alerts, and the maximum number of alerts on it.

    Args:
        query: query parameters.
        size: name of the parameter for the number of alerts.

    Raises:
        SearchError: a parameter is out of range.
    """
    limit = min(MAX_PAGE, _number(query, size, _PAGE, least=1))
    return _number(query, "offset", 0, least=0), limit


def sort_alerts(
    alerts: Iterable[EmulatedAlert],
    query: dict[str, str],
    key: Callable[[EmulatedAlert], Any],
) -> list[EmulatedAlert]:
    """Return the alerts sorted by `key`, in descending order unless `query` says otherwise.

    Raises:
        SearchError: the order in `query` is invalid.
    """
    return sorted(alerts, key=key, reverse=_one_of(query, "order", _ORDERS) == "desc")


def line_page(lines: Sequence[T], query: dict[str, str]) -> tuple[list[tuple[str, T]], Json]:
    """Return one page of notes or history, each line with its offset, and a link to the next page.

    Raises:
        SearchError: a parameter is out of range.
    """
    limit = _limit(query)
    numbered = list(enumerate(lines, start=1))
    if _one_of(query, "order", _ORDERS) == "desc":
        numbered.reverse()
    numbers = [number for number, _ in numbered]
    offset = _number(query, "offset", 0, least=0)
    start = numbers.index(offset) + 1 if offset in numbers else 0
    if _one_of(query, "direction", _DIRECTIONS) == "prev":
        start, end = max(0, start - 1 - limit), max(0, start - 1)
    else:
        end = start + limit
    page = numbered[start:end]
    paging = {"first": _link(query, limit=limit)}
    if page and end < len(numbered):
        paging["next"] = _link(query, limit=limit, offset=page[-1][0])
    return [(str(number), line) for number, line in page], paging


_ORDERS: Final = ("desc", "asc")
_DIRECTIONS: Final = ("next", "prev")


def _limit(query: dict[str, str]) -> int:
    return min(MAX_PAGE, _number(query, "limit", _PAGE, least=1))


def _number(query: dict[str, str], name: str, default: int, *, least: int) -> int:
    text = query.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise SearchError(f"{name} must be an integer, at least {least}, not {text!r}")
    return int(text)


def _one_of(query: dict[str, str], name: str, allowed: Iterable[str]) -> str:
    """Return the parameter's value, by default the first allowed one."""
    values = list(allowed)
    value = query.get(name, values[0])
    if value not in values:
        raise SearchError(f"{name} must be one of {', '.join(values)}, not {value!r}")
    return value


def _link(query: dict[str, str], **changed: int) -> str:
    return "?" + urlencode({**query, **changed})
