"""Where an allow comment stands says what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.api.advice.allowed import Allowances, Misspelt
from breakerd.breaker.config import Document, Key, parse_document

RULES = ("no-ramp", "token-weak")
TABLE: Key = ("recovery",)
RAMP: Key = ("recovery", "ramp")


def of(text: str) -> Allowances:
    return Allowances(parse(text), RULES)


def parse(text: str) -> Document:
    return parse_document(Path("b.toml"), text)


PLACES: dict[str, tuple[str, Key]] = {
    "behind a value": ("[recovery]\nramp = [] # breakerd: allow no-ramp\nprobes = 2", RAMP),
    "in a value": ("[recovery]\nramp = [\n 0.1, # breakerd: allow no-ramp\n]\nprobes = 2", RAMP),
    "above a value": ("[recovery]\n# breakerd: allow no-ramp\nramp = []\nprobes = 2", RAMP),
    "among comments above": (
        "[recovery]\n# one\n  # breakerd: allow no-ramp\n# two\nramp = []",
        RAMP,
    ),
    "behind a header": ("[recovery] # breakerd: allow no-ramp\nramp = []", TABLE),
    "above a header": ("wait_time = 2\n# breakerd: allow no-ramp\n[recovery]\nramp = []", TABLE),
    "in a table": ("[recovery]\nprobes = 2\n# breakerd: allow no-ramp\n\nramp = []", TABLE),
    "at its end": ("[recovery]\nprobes = 2\n# breakerd: allow no-ramp", TABLE),
    "in the head": ("# about\n# breakerd: allow no-ramp\n\nwait_time = 2", ()),
    "in the head, spelt freely": ("#breakerd:  allow   no-ramp\r\n\r\nwait_time = 2", ()),
    "in an empty file": ("# breakerd: allow no-ramp", ()),
    "after a mark": ("\ufeff# breakerd: allow no-ramp\n\nwait_time = 2", ()),
    "above the first value": ("# breakerd: allow no-ramp\nwait_time = 2", ("wait_time",)),
    "behind a multi-line text": ('x = """\n# no\n""" # breakerd: allow no-ramp\ny = 1', ("x",)),
    "at the root": ("a = 1\n# breakerd: allow no-ramp\n\n[recovery]", ()),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_it_is_for(place: str) -> None:
    text, key = PLACES[place]
    allowed = of(text)
    assert allowed.misspelt == []
    assert allowed.silence("no-ramp", [key])
    assert allowed.silence("no-ramp", [("other",), (*key, "below")])
    assert not allowed.silence("token-weak", [key])
    if key:
        assert not allowed.silence("no-ramp", [key[:-1], (*key[:-1], "neighbour")])


def test_one_table_of_an_array_allows_all_of_them() -> None:
    allowed = of("[[alerts.stages]] # breakerd: allow no-ramp\n[[alerts.stages]]\nafter = 3")
    assert allowed.silence("no-ramp", [("alerts", "stages", "1")])
    assert [allowed.line_of_element(("alerts", "stages", n)) for n in "012"] == [1, 2, 0]


@pytest.mark.parametrize(
    "names",
    [
        "no-ramp, token-weak",
        "no-ramp,token-weak: because of x, y",
        "no-ramp , token-weak - because, of x",
        "no-ramp, token-weak (for now)",
    ],
)
def test_several_names_and_a_reason(names: str) -> None:
    allowed = of(f"wait_time = 2 # breakerd: allow {names}")
    assert allowed.misspelt == []
    assert all(allowed.silence(rule, [("wait_time",)]) for rule in RULES)


@pytest.mark.parametrize(
    ("comment", "misspelt"),
    [
        ("allow no-rmap", Misspelt(1, "no-rmap", "no-ramp", is_rule=True)),
        ("allow nothing-like-it", Misspelt(1, "nothing-like-it", "", is_rule=True)),
        ("alow no-ramp", Misspelt(1, "alow", "allow", is_rule=False)),
        ("allows no-ramp", Misspelt(1, "allows", "allow", is_rule=False)),
    ],
)
def test_slips(comment: str, misspelt: Misspelt) -> None:
    allowed = of(f"wait_time = 2 # breakerd: {comment}")
    assert allowed.misspelt == [misspelt]
    assert not allowed.silence("no-ramp", [("wait_time",)])


@pytest.mark.parametrize(
    "text",
    [
        "# breakerd: settings for production",
        "# see breakerd: allow no-rmap",
        "text = '# breakerd: allow no-rmap'",
        'text = """\n# breakerd: allow no-rmap\n"""',
        "#:schema ./breakerd.schema.json",
    ],
)
def test_what_is_no_allow_comment(text: str) -> None:
    allowed = of(text)
    assert allowed.misspelt == []
    assert not allowed.silence("no-ramp", [("text",), ()])


def test_an_allow_without_a_rule_allows_nothing() -> None:
    allowed = of("wait_time = 2 # breakerd: allow")
    assert not any(allowed.silence(rule, [("wait_time",)]) for rule in RULES)
