from __future__ import annotations

import tomllib

import pytest

from breakerd.breaker.config.toml_edit import edit
from breakerd.breaker.config.toml_scan import Key

FILE = """\
# Core settings
wait_time = 10     # seconds
percentile = 0.95  # of latency

# Recovery
[recovery]
probes = 3  # calls

# One breaker
[breakers.payments]
latency_threshold = 600
"""


def test_a_value_is_changed_and_all_else_stays() -> None:
    after = edit(FILE, {("wait_time",): 20, ("recovery", "probes"): 5})
    expected = FILE.replace("10     #", "20     #").replace("probes = 3", "probes = 5")
    assert after == expected


def test_a_new_key_goes_to_its_table_and_not_under_the_next_ones_comment() -> None:
    after = edit(FILE, {("memory_threshold",): 85.5, ("recovery", "ramp"): (0.1, 0.5)})
    assert after == FILE.replace(
        "# of latency\n", "# of latency\nmemory_threshold = 85.5\n"
    ).replace("# calls\n", "# calls\nramp = [0.1, 0.5]\n")


def test_a_value_is_taken_out_with_its_comment_only() -> None:
    assert edit(FILE, {("percentile",): None}) == FILE.replace(
        "percentile = 0.95  # of latency\n", ""
    )
    assert edit(FILE, {("none",): None, ("none", "such"): None}) == FILE


def test_tables_are_made_where_they_are_missing() -> None:
    after = edit(FILE, {("breakers", "search", "recovery", "probes"): 1, ("alerts", "x"): 2})
    assert after.startswith(FILE.rstrip())
    assert tomllib.loads(after) == {
        **tomllib.loads(FILE),
        "breakers": {
            "payments": {"latency_threshold": 600},
            "search": {"recovery": {"probes": 1}},
        },
        "alerts": {"x": 2},
    }


def test_indentation_and_line_breaks_are_those_of_the_file() -> None:
    text = "[t]\r\n  a = 1\r\n# end\r\n"
    assert edit(text, {("t", "b"): 2}) == "[t]\r\n  a = 1\r\n  b = 2\r\n# end\r\n"
    assert edit("a = 1", {("b",): 2}) == "a = 1\nb = 2\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", ("a",)),
        ("# head\n\n[t]\nx = 1\n", ("a",)),
        ("recovery = { probes = 3 }\n", ("recovery", "ramp")),
        ("recovery.probes = 3\nx = 1\n[t]\n", ("recovery", "ramp")),
        ("[b.a]\nx = 1\n[t]\n[b.a.recovery]\ny = 1\n", ("b", "a", "z")),
        ("[b.a.recovery]\ny = 1\n", ("b", "a", "z")),
        ("[b]\na = { x = 1 }\n", ("b", "c", "x")),
        ("b.a.x = 1\n[t]\n", ("b", "c", "x")),
        ('["b"."a.c"]\nx = 1\n', ("b", "a.c", "x")),
        ("[t]\n[u]\n", ("t", "needs quotes")),
    ],
)
def test_every_way_to_write_a_table_takes_a_value(text: str, key: Key) -> None:
    expected = tomllib.loads(text)
    table = expected
    for part in key[:-1]:
        table = table.setdefault(part, {})
    table[key[-1]] = [1.5]
    assert tomllib.loads(edit(text, {key: [1.5]})) == expected


def test_a_key_through_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"t\.a is no table"):
        edit("[t]\na = 1\n", {("t", "a", "b"): 2})
