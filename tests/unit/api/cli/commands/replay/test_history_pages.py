"""The history of a service is read page by page, each slot once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from math import ceil, floor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from breakerd.api.cli.commands.replay.history_pages import history_pages
from breakerd.breaker.errors import TraceError
from breakerd.breaker.history.slot import HistorySlot
from tests.support.slots import NOON, slot


class Service:
    """Answers as the route does: with slots of 60 s before an hour ago, of 10 s from then on."""

    def __init__(self, began: float = 0.0) -> None:
        self.began = began
        self.asked: list[tuple[float, float]] = []

    def get(self, breaker: str, path: str) -> dict[str, Any]:
        """Return a page."""
        assert breaker == "payments"
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        begin, end = float(query["from"]), float(query["to"])
        fields = query["fields"].split(",")
        if fields == ["start"]:
            width = 600.0
        else:
            self.asked.append((begin, end))
            width = 10.0 if begin >= NOON - 3600 else 60.0
        numbers: Iterable[int] = range(floor((begin - NOON) / width), ceil((end - NOON) / width))
        numbers = [each for each in numbers if NOON + (each + 1) * width > self.began]
        slots = [slot([0.05], number=number, width=width).to_dict() for number in numbers]
        return {"step": width, "slots": [{key: each[key] for key in fields} for each in slots]}


class Broken(Service):
    """Answers without slots."""

    def get(self, breaker: str, path: str) -> dict[str, Any]:
        """Return what is no page."""
        return {"step": 10} | dict.fromkeys([breaker, path])


def test_slots_come_once_and_as_fine_as_there_are() -> None:
    service = Service()
    slots = history_pages(service, "payments", NOON - 10_005, NOON)  # type: ignore[arg-type]
    assert slots[0].start == NOON - 10_020
    assert slots[-1].end == NOON
    assert {each.width for each in slots} == {10.0, 60.0}
    for before, after in itertools.pairwise(slots):
        assert before.end == after.start
    assert len(service.asked) == 3
    assert all(isinstance(each, HistorySlot) for each in slots)


def test_pages_before_the_first_call_are_not_asked_for() -> None:
    service = Service(began=NOON - 1200)
    slots = history_pages(service, "payments", NOON - 7 * 86_400, NOON)  # type: ignore[arg-type]
    assert service.asked == [(NOON - 1200, NOON)]
    assert len(slots) == 120
    nothing = Service(began=NOON)
    assert history_pages(nothing, "payments", NOON - 86_400, NOON) == []  # type: ignore[arg-type]
    assert nothing.asked == []


def test_an_answer_without_slots_is_an_error() -> None:
    with pytest.raises(TraceError, match="the service's history cannot be read"):
        history_pages(Broken(), "payments", NOON - 10, NOON)  # type: ignore[arg-type]
