from __future__ import annotations

from math import comb

import pytest

from breakerd.breaker.replay.binomial import SIGNIFICANCE_LEVEL, tail, tolerable_share


@pytest.mark.parametrize("calls", [1, 10, 64])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
def test_the_tail_is_the_sum_of_its_terms(calls: int, share: float) -> None:
    for least in range(calls + 1):
        exact = sum(
            comb(calls, hits) * share**hits * (1 - share) ** (calls - hits)
            for hits in range(least, calls + 1)
        )
        assert tail(calls, share, least) == pytest.approx(exact, rel=1e-9)


def test_its_ends() -> None:
    assert tail(10, 0.5, 0) == 1
    assert tail(10, 0.0, 1) == 0
    assert tail(10, 1.0, 10) == 1
    assert tail(10, 0.5, 11) == 0
    assert 0.4 < tail(100_000, 0.5, 50_000) < 0.6


def test_the_tolerable_share_is_the_largest() -> None:
    share = tolerable_share(64, 4)
    assert tail(64, share, 4) <= SIGNIFICANCE_LEVEL < tail(64, share * 1.01, 4)
