from __future__ import annotations

import re

import pytest

from breakerd import Breaker
from breakerd.breaker.testing import BreakerLookupError, ManualClock, take_over


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    known = Breaker(name="payments")
    with take_over() as breakers:
        with pytest.raises(KeyError) as failed:
            breakers["paymets"]
        assert "no breaker is named 'paymets'; there are: " in str(failed.value)
        assert "'payments'" in str(failed.value)
        assert "import the module that makes it" in str(failed.value)
        assert "'payments'" in repr(breakers)
    known.close()


def test_a_name_means_the_newest() -> None:
    old = Breaker(name="twin")
    with take_over() as breakers:
        assert breakers["twin"].breaker is old
        new = Breaker(name="twin")
        assert breakers["twin"].breaker is new
        assert breakers[old].breaker is old
        assert [each.breaker for each in breakers if each.breaker.name == "twin"] == [old, new]
        assert breakers.names.count("twin") == 1
        assert len(breakers) == len(list(breakers))
        with pytest.raises(AssertionError, match="another breaker is named 'twin', too"):
            breakers["twin"].assert_opened()
    old.close()
    new.close()


def test_a_breaker_that_the_test_drives_is_not_there() -> None:
    driven = Breaker(name="driven", clock=ManualClock())
    with (
        take_over() as breakers,
        pytest.raises(BreakerLookupError, match=re.escape("it has a ManualClock")),
    ):
        breakers[driven]
