"""The file survives what people and programs do to it."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from breakerd.breaker.config import parse_document
from breakerd.breaker.config.toml_edit import edit
from breakerd.breaker.config.toml_scan import Key

BARE = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)
NAMES = st.one_of(BARE, st.text("a.b \"'#=[]\\ü\t", min_size=1, max_size=5))
TEXTS = st.text("ab \"'#=[]{}\\\n\t,é", max_size=12)
LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.lists(st.one_of(st.integers(0, 9), TEXTS), max_size=4),
)
TABLES = st.dictionaries(NAMES, LEAVES, max_size=4)
FILES = st.dictionaries(NAMES, st.one_of(LEAVES, TABLES), max_size=5)


@st.composite
def commented_files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A TOML text with a comment behind or above each of its keys, and the comments."""
    lines: list[str] = []
    comments: list[str] = []

    def write(table: dict[str, Any]) -> None:
        for key, value in table.items():
            comments.append(f"# note {len(comments)}.")
            statement = f"{quoted(key)} = {tomlkit.item(value).as_string()}"
            if draw(st.booleans()):
                lines.append(f"{statement}  {comments[-1]}")
            else:
                lines.extend([comments[-1], statement])

    content = draw(FILES)
    write({key: value for key, value in content.items() if not isinstance(value, dict)})
    for key, value in content.items():
        if isinstance(value, dict):
            comments.append(f"# note {len(comments)}.")
            lines.extend(["", comments[-1], f"[{quoted(key)}]"])
            write(value)
    return "\n".join([*lines, ""]), comments


def quoted(key: str) -> str:
    return tomlkit.key([key, "x"]).as_string().removesuffix(".x")


def keys_of(data: dict[str, Any], above: Key = ()) -> list[Key]:
    keys: list[Key] = []
    for name, value in data.items():
        keys.append((*above, name))
        if isinstance(value, dict):
            keys += keys_of(value, (*above, name))
    return keys


def changed(data: dict[str, Any], key: Key, value: object) -> dict[str, Any]:
    result = table = copy.deepcopy(data)
    for part in key[:-1]:
        table = table.setdefault(part, {})
    table[key[-1]] = value
    return result


@given(commented_files(), st.data())
def test_a_change_changes_its_value_and_keeps_every_comment(
    file: tuple[str, list[str]], data: st.DataObject
) -> None:
    text, comments = file
    before = tomllib.loads(text)
    leaves = [key for key in keys_of(before) if not isinstance(_at(before, key), dict)]
    tables: list[Key] = [(), *(key for key in keys_of(before) if key not in leaves)]
    new = st.tuples(st.sampled_from(tables), NAMES).map(lambda pair: (*pair[0], pair[1]))
    usable = new.filter(lambda key: not isinstance(_at(before, key), dict))
    key = data.draw(st.one_of(usable, st.sampled_from(leaves)) if leaves else usable)
    value = data.draw(LEAVES)

    after = edit(text, {key: value})

    assert tomllib.loads(after) == changed(before, key, value)
    assert all(comment in after for comment in comments)


@given(commented_files())
def test_every_key_has_the_line_on_which_it_stands(file: tuple[str, list[str]]) -> None:
    text, _ = file
    document = parse_document(Path("f.toml"), text)
    lines = text.split("\n")
    for key in keys_of(document.data):
        stands = lines[document.line_of(key) - 1]
        assert stands.lstrip("[").startswith(quoted(key[-1])), key


@given(commented_files(), st.data())
def test_a_value_that_is_set_and_taken_out_leaves_the_file_as_it_was(
    file: tuple[str, list[str]], data: st.DataObject
) -> None:
    text, _ = file
    key = (data.draw(NAMES.filter(lambda name: name not in tomllib.loads(text))),)
    there = edit(text, {key: 1})
    assert tomllib.loads(edit(there, {key: None})) == tomllib.loads(text)


def _at(data: dict[str, Any], key: Key) -> object:
    value: object = data
    for part in key:
        value = value.get(part) if isinstance(value, dict) else None
    return value
