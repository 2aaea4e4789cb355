from __future__ import annotations

import json
from typing import Any

import pytest

from breakerd.breaker.fleet.hub.store import Entry
from breakerd.breaker.fleet.revisions.revision import (
    CHAIN,
    Revision,
    combined,
    decode,
    decode_entry,
    dotted,
    encode,
    is_equal,
)

KEY = ("wait_time",)
GOOD: dict[str, Any] = {"key": ["a"], "value": 1, "replaced": [2], "by": "x", "at": 1.0, "id": "1"}


def revision(value: object, *replaced: object, at: float = 1.0, by: str = "") -> Revision:
    return Revision(KEY, value, replaced, by, at, f"{value}-{at}")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (None, None, True),
        (None, False, False),
        ([1, [2]], (1.0, (2,)), True),
        ([1], [1, 2], False),
        ([True], [1], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        ({"a": 1}, {"b": 1}, False),
        ("1", 1, False),
    ],
)
def test_values_are_compared_as_settings_are(one: object, other: object, same: bool) -> None:
    assert is_equal(one, other) is same


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("wait_time",), "wait_time"),
        (("breakers", "a.b", "slo", "timeout"), 'breakers."a.b".slo.timeout'),
        (
            ("alerts", "maintenance", 'the "night"', "begins"),
            r'alerts.maintenance."the \"night\"".begins',
        ),
    ],
)
def test_a_key_is_written_as_in_toml(key: tuple[str, ...], text: str) -> None:
    from breakerd.breaker.config.dotted_key import parse_key

    assert dotted(key) == text
    assert parse_key(text) == key


@pytest.mark.parametrize("value", [1, 1.5, "é", True, None, [1, "a"], {}])
def test_a_revision_survives_its_text(value: object) -> None:
    known = Revision(KEY, value, (None, 2), "ada", 3.0, "1")
    assert decode(encode(known)) == known
    assert decode_entry(Entry("wait_time", 1, 0.0, encode(known))) == known


@pytest.mark.parametrize(
    "change",
    [
        {"key": None},
        {"key": []},
        {"key": [""]},
        {"key": [1]},
        {"key": ["a"] * 11},
        {"replaced": 1},
        {"by": None},
        {"id": ""},
        {"id": 1},
        {"at": True},
        {"at": 10**400},
        {"at": None},
        {"value": "\ud800"},
    ],
)
def test_what_is_none_is_refused(change: dict[str, Any]) -> None:
    assert decode(json.dumps(GOOD))
    with pytest.raises(ValueError, match=r"."):
        decode(json.dumps(GOOD | change))


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "[]", "{}", '{"value": NaN}', "[" * 100_000),
        json.dumps(GOOD).replace("1.0", "1e999"),
        json.dumps(GOOD | {"value": "x" * 70_000}),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


def test_a_revision_under_the_key_of_another_is_refused() -> None:
    with pytest.raises(ValueError, match="another setting"):
        decode_entry(Entry("percentile", 1, 0.0, encode(revision(1))))


@pytest.mark.parametrize("value", [float("nan"), object(), "x" * 70_000])
def test_what_has_no_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(revision(value))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (revision(2, 1, at=1.0), revision(3, 1, at=2.0)),
        # There and back.
        (revision(2, 1, at=1.0), revision(1, 2, at=2.0)),
        # At the same moment the id decides.
        (revision(2, 1), revision(3, 1)),
    ],
)
def test_of_two_the_later_stays_with_the_values_before(
    earlier: Revision, later: Revision, swapped: bool
) -> None:
    pair = (later, earlier) if swapped else (earlier, later)
    found = combined(*pair)
    assert (found.value, found.id) == (later.value, later.id)
    assert found.order > earlier.order
    assert found.follows(earlier.value)
    assert all(map(found.follows, set(earlier.replaced) - {later.value}))


def test_the_same_revision_keeps_the_longer_chain() -> None:
    short, long = revision(3, 2), revision(3, 2, 1)
    assert combined(short, long) == combined(long, short) == long


def test_a_chain_keeps_the_latest_values_and_the_oldest() -> None:
    known = revision(1, 0)
    for value in range(2, 40):
        known = combined(revision(value, value - 1, at=float(value)), known)
        known = combined(known, known._replace(id="other", at=0.0, value=value - 1))
    assert known.value == 39
    assert len(known.replaced) == CHAIN
    assert (known.replaced[0], known.replaced[-1]) == (38, 0)
