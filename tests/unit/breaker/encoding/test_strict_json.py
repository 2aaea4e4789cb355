from __future__ import annotations

import json
from math import inf, nan

import pytest

from breakerd.breaker.encoding.strict_json import dumps


def test_a_number_that_is_not_finite_is_null() -> None:
    value = {"a": inf, "b": [nan, 1.5, {"c": (-inf, "é")}], "d": None, "e": True}
    assert (
        dumps(value, compact=True) == '{"a":null,"b":[null,1.5,{"c":[null,"é"]}],"d":null,"e":true}'
    )
    assert json.loads(dumps(value, ensure_ascii=True))["b"][2]["c"] == [None, "é"]


def test_what_is_finite_is_written_as_ever() -> None:
    value = {"a": 1, "b": [0.1, "x\n"]}
    assert dumps(value) == json.dumps(value)


def test_what_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(TypeError):
        dumps({"a": object()})
