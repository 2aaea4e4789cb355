from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from breakerd.breaker.config import edit as toml_edit
from breakerd.breaker.config import parse_document
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.errors import ConfigConflictError, ConfigError

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


def edit(text: str, changes: Mapping[Key, object]) -> str:
    return toml_edit.edit(parse_document(Path("f.toml"), text), changes).text


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


FORMS = [
    ("", ("a",)),
    ("# head\n\n[t]\nx = 1\n", ("a",)),
    ("recovery = { probes = 3 }\n", ("recovery", "ramp")),
    ("recovery = { probes = 3 } # why\n", ("recovery", "probes")),
    ("recovery = {}\n", ("recovery", "a b", "c")),
    ("r = { a.b = 1, c = { d = [ 1, { e = 2 } ] } }\n", ("r", "c", "d")),
    ("r = { a.b = 1, c = { d = [ 1, { e = 2 } ] } }\n", ("r", "a", "x")),
    ("recovery.probes = 3\nx = 1\n[t]\n", ("recovery", "ramp")),
    ("[b.a]\nx = 1\n[t]\n[b.a.recovery]\ny = 1\n", ("b", "a", "z")),
    ("[b.a.recovery]\ny = 1\n", ("b", "a", "z")),
    ("[b.a.recovery]\ny = 1\n[c]\n[b]\nx = 1\n", ("b", "a", "z")),
    ("[b]\na = { x = 1 }\n", ("b", "c", "x")),
    ("b.a.x = 1\n[t]\n", ("b", "c", "x")),
    ("b.pay.w = 3\nb.search.w = 4\n", ("b", "pay", "recovery", "probes")),
    ("[b]\npay.w = 3\nsearch.w = 2\n", ("b", "pay", "recovery", "probes")),
    ("c.latency = 700\no.enabled = false\n", ("c", "recovery", "probes")),
    ("b.pay.w = 3\nlatency = 800\n", ("b", "search", "w")),
    ("b.pay.w = 3\n[b.pay.recovery]\nramp = []\n", ("b", "pay", "recovery", "probes")),
    ("b.pay.w = 3\n[b.pay.recovery]\nramp = []\n", ("b", "pay", "recovery", "x", "y")),
    ("[[stages]]\na = 1\n[[stages]]\na = 2\n", ("t", "x")),
    ("[[t.stages]]\na = 1\n", ("t", "x")),
    ('["b"."a.c"]\nx = 1\n', ("b", "a.c", "x")),
    ("'b'.\"a\\u0020c\".x = 1\n", ("b", "a c", "y")),
    ("[t]\n[u]\n", ("t", "needs quotes")),
    ('\ufeffa = """\n[b]\nx = 1\n"""\r\n', ("b", "x")),
]


@pytest.mark.parametrize(("text", "key"), FORMS)
def test_every_way_to_write_a_table_takes_a_value(text: str, key: Key) -> None:
    expected = tomllib.loads(text.removeprefix("\ufeff"))
    table = expected
    for part in key[:-1]:
        table = table.setdefault(part, {})
    table[key[-1]] = [1.5]
    assert tomllib.loads(edit(text, {key: [1.5]}).removeprefix("\ufeff")) == expected


@pytest.mark.parametrize(
    ("text", "key", "after"),
    [
        ("b.pay.w = 3\n", ("b", "pay", "w"), "b.pay = {}\n"),
        ("t = { a = 1, b = 2 }  # why\n", ("t", "a"), "t = { b = 2 }  # why\n"),
        ("t = { a.b = 1 }\n", ("t", "a", "b"), "t = { a = {} }\n"),
        ("[b.pay.slo]\nt = 1\n[x]\n", ("b", "pay", "slo"), "[b.pay]\n[x]\n"),
        ("a = 1\n[slo]\nt = 1\n[slo.x]\ny = 1\n", ("slo",), "a = 1\n"),
    ],
)
def test_what_is_taken_out_takes_nothing_with_it(text: str, key: Key, after: str) -> None:
    assert edit(text, {key: None}) == after


def test_a_table_sets_its_keys_and_keeps_the_others() -> None:
    after = edit("[t]\nc = 3\n", {("t",): {"a": 1, "b": {"d": 2}}, ("u",): {}})
    assert tomllib.loads(after) == {"t": {"c": 3, "a": 1, "b": {"d": 2}}, "u": {}}
    assert edit(after, {("t",): {}}) == after, "no keys to set"


def test_a_list_of_tables_is_written_as_one_value() -> None:
    after = edit("a = 1\n", {("stages",): [{"after": 0, "x": {"y": [1]}}]})
    assert after == "a = 1\nstages = [{ after = 0, x = { y = [1] } }]\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [("[t]\na = 1\n", r"f\.toml:2 because of t\.a, which is no table"), ("[[t]]\na.b = 1\n", "t,")],
)
def test_a_key_through_a_value_is_refused(text: str, found: str) -> None:
    with pytest.raises(ConfigConflictError, match=found):
        edit(text, {("t", "a", "b"): 2})


def test_an_edit_that_would_change_anything_else_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(*_: object) -> Iterator[str]:
        yield "a = 2\nb = 3\n"  # another key
        yield "a = 2.0\nb = 1\n"  # another type
        yield "a = 2\n[b"  # no TOML

    monkeypatch.setattr(toml_edit, "forms_of", wrong)
    with pytest.raises(ConfigConflictError, match=r"^a cannot be changed in f\.toml:1 .*by hand"):
        edit("a = 1\nb = 1\n", {("a",): 2})


@pytest.mark.parametrize("value", ["a\0", "\ud800", 2**63, ["\0"]])
def test_a_value_that_no_file_can_hold_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"f\.toml: (a|a\.0): found"):
        edit("a = 1\n", {("a",): value})


def test_the_document_before_is_left_alone() -> None:
    document = parse_document(Path("f.toml"), "[t]\na = [1]\n")
    before = copy.deepcopy(document.data)
    toml_edit.edit(document, {("t", "a"): [2], ("t", "b"): 1})
    assert document.data == before
