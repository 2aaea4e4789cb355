"""The script's numbers are those of the hub in Python, which is written apart from it."""

from __future__ import annotations

import re

import pytest

from breakerd.breaker.fleet.hub import leases, pool, registers, roster, state
from breakerd.breaker.fleet.hub.redis import packing
from breakerd.breaker.fleet.hub.redis.script import keys_of, script_text, store_keys_of
from breakerd.breaker.fleet.messages import WINDOW_SLOTS


def numbers_in(text: str) -> dict[str, float]:
    """Return the numbers that the script names."""
    found: dict[str, float] = {}
    for names, values in re.findall(r"^local ([A-Z_, ]+) = ([-\d., ]+)", text, re.MULTILINE):
        parts = re.findall(r"-?[\d.]+", values)
        found.update(zip(names.split(", "), map(float, parts), strict=False))
    return found


def test_its_numbers_are_those_of_the_state() -> None:
    found = numbers_in(script_text())
    wanted = {
        "VIEW_SLOTS": pool.VIEW_SLOTS,
        "WINDOW": WINDOW_SLOTS,
        "RING": packing.RING,
        "AHEAD": packing.RING - pool.VIEW_SLOTS,
        "SILENT": roster.SILENT_AFTER,
        "FORGET": state.FORGET_AFTER,
        "SWEPT": state._SWEPT,
        "KEPT": registers.KEPT,
        "ACT_TIME": registers.ACT_TIME,
        "LATE": registers.LATE,
        "LEAST_PRICE": leases._LEAST_PRICE,
        "MAX_DEBT": leases._MAX_DEBT,
        "USE_WITHIN": leases.USE_WITHIN,
        "LEASE_KEPT": leases.KEEP,
        "OTHER_HOST": leases._OTHER_HOST_WITHIN,
    }
    assert {name: found.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("name", ["ROW", "SUMS"])
def test_its_formats_are_those_of_the_packing(name: str) -> None:
    found = re.search(rf"^local {name}\b.* = '(\S+?)'", script_text(), re.MULTILINE)
    assert found is not None
    own = getattr(packing, name).format
    unfolded = re.sub(r"(\d+)(\w)", lambda fold: int(fold[1]) * fold[2], own)
    assert found[1].replace("i8", "q").replace("i4", "i") == unfolded


def test_its_keys_are_on_one_node_of_a_cluster() -> None:
    keys = (*keys_of("shop"), *store_keys_of("shop", "settings"))
    named = set(re.findall(r"KEYS\[(\d+)\]", script_text()))
    assert named == {str(number) for number in range(1, len(keys) + 1)}
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("breakerd:{shop}:") for key in keys)
