from __future__ import annotations

import pytest

from breakerd.breaker.events.wording import count, duration, number, share


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.05, "0.05 s"),
        (1.5, "1.5 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (119, "119 s"),
        (120.2, "2 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (93_600, "26 h"),
    ],
)
def test_a_duration_is_in_its_greatest_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("fraction", "words"),
    [(0, "0%"), (0.0005, "0.05%"), (0.01, "1%"), (0.0234, "2.3%"), (0.455, "46%"), (1, "100%")],
)
def test_a_share_has_two_digits(fraction: float, words: str) -> None:
    assert share(fraction) == words


def test_numbers_have_their_thousands_separated() -> None:
    assert [number(each) for each in (0, 3.14159, 12.3, 2142, 1e6)] == [
        "0", "3.14", "12", "2,142", "1,000,000",
    ]  # fmt: skip
    assert [count(each, "call") for each in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]
