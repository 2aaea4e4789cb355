from __future__ import annotations

import pytest

from breakerd import Priority
from breakerd.breaker.integrations._priority_header import parse_priority


@pytest.mark.parametrize("level", list(Priority))
def test_names_and_numbers(level: Priority) -> None:
    for value in (level.name, level.name.lower().replace("_", "-"), f" {level.value} "):
        assert parse_priority(value) is level


@pytest.mark.parametrize(
    ("urgency", "level"),
    [
        ("u=0", Priority.CRITICAL_PLUS),
        ("u=1, i", Priority.CRITICAL_PLUS),
        ("u=2", Priority.CRITICAL),
        ("i, u=3", Priority.CRITICAL),
        ("u=4;x=1", Priority.SHEDDABLE_PLUS),
        ("i=?0 ,\tu=5", Priority.SHEDDABLE_PLUS),
        ("u=6", Priority.SHEDDABLE),
        ("u=1,u=7", Priority.SHEDDABLE),
    ],
)
def test_urgency_of_rfc_9218(urgency: str, level: Priority) -> None:
    assert parse_priority(urgency) is level


@pytest.mark.parametrize("value", ["", "high", "4", "-1", "u=8", "u=10", "u = 1", "lu=1", "i", "²"])
def test_anything_else_says_nothing(value: str) -> None:
    assert parse_priority(value) is None
