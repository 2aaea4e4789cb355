"""The file survives what people and programs do to it."""

from __future__ import annotations

import copy
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import assume, given
from hypothesis import strategies as st

from breakerd.breaker.config import Document, parse_document
from breakerd.breaker.config.edit import edit, is_same
from breakerd.breaker.config.toml.scan import Key

BARE = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)
NAMES = st.one_of(BARE, st.text("a.b \"'#=[]\\ü\t", min_size=1, max_size=5))
TEXTS = st.text("ab \"'#=[]{}\\\n\t,é", max_size=12)
LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    TEXTS,
    st.datetimes(),
    st.dates(),
    st.lists(st.one_of(st.integers(0, 9), TEXTS), max_size=4),
)
TABLES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAVES, inner), max_size=3),
    max_leaves=12,
)
LISTS = st.lists(st.dictionaries(NAMES, LEAVES, max_size=2), min_size=1, max_size=2)
FILES = st.dictionaries(NAMES, st.one_of(LEAVES, TABLES, LISTS), max_size=5)


@dataclass
class Writer:
    """Writes data as TOML, choosing one of its forms for each table, and counts the comments."""

    draw: st.DrawFn
    comments: list[str] = field(default_factory=list)
    sections: list[list[str]] = field(default_factory=list)

    def section(self, header: str, table: dict[str, Any], path: Key) -> None:
        """Writes a table below a header, and later what it put below headers of their own."""
        lines: list[str] = []
        own = len(self.sections)
        self.sections.append(lines)
        self._write(lines, table, path, ())
        # The lines of a table may stand in any order, between those of others too.
        lines[:] = self.draw(st.permutations(lines))
        if header and not (table and not lines and self.draw(st.booleans())):
            lines.insert(0, self._commented(header))
        elif header:
            del self.sections[own]  # only tables are in it, which imply it

    def _write(self, lines: list[str], table: dict[str, Any], path: Key, dotted: Key) -> None:
        for name, value in table.items():
            key, full = (*dotted, name), (*path, name)
            form = self.draw(st.sampled_from(["inline", "dotted", "header"]))
            if isinstance(value, dict) and value and form == "dotted":
                self._write(lines, value, full, key)
            elif isinstance(value, dict) and form == "header":
                self.section(f"[{dots(full)}]", value, full)
            elif is_list_of_tables(value) and form == "header":
                self._list_of_tables(full, value)
            else:
                lines.append(self._commented(f"{dots(key)} = {inline(value)}"))

    def _list_of_tables(self, path: Key, tables: list[dict[str, Any]]) -> None:
        lines: list[str] = []
        for table in tables:
            lines.append(self._commented(f"[[{dots(path)}]]"))
            lines += [self._commented(f"{dots((k,))} = {inline(v)}") for k, v in table.items()]
        self.sections.append(lines)

    def _commented(self, line: str) -> str:
        self.comments.append(f"# note {len(self.comments)}.")
        indent = self.draw(st.sampled_from(["", "  "]))
        above = self.draw(st.booleans())
        comment = self.comments[-1]
        return f"{comment}\n{indent}{line}" if above else f"{indent}{line}  {comment}"


def dots(key: Key) -> str:
    return ".".join(tomlkit.key(part).as_string() for part in key)


def is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def inline(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{dots((k,))} = {inline(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return tomlkit.item(value).as_string()


@st.composite
def files(draw: st.DrawFn) -> tuple[Document, list[str]]:
    """A TOML file in any form, with a comment behind or above each of its keys."""
    content = draw(FILES)
    writer = Writer(draw)
    writer.section("", content, ())
    first, rest = writer.sections[0], writer.sections[1:]
    blocks = [first, *draw(st.permutations(rest))]
    line_break = draw(st.sampled_from(["\n", "\r\n"]))
    text = "\n".join(line for block in blocks for line in block).replace("\n", line_break)
    text += draw(st.sampled_from(["", line_break])) if text else ""
    try:
        document = parse_document(Path("f.toml"), draw(st.sampled_from(["", "\ufeff"])) + text)
    except Exception:
        assume(False)
        raise
    assert is_same(document.data, content)
    return document, writer.comments


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
    if value is None:
        del table[key[-1]]
    else:
        table[key[-1]] = value
    return result


def _at(data: dict[str, Any], key: Key) -> object:
    value: object = data
    for part in key:
        value = value.get(part) if isinstance(value, dict) else None
    return value


@given(files(), st.data())
def test_a_change_changes_its_value_and_keeps_every_comment(
    file: tuple[Document, list[str]], data: st.DataObject
) -> None:
    document, comments = file
    before = document.data
    leaves = [key for key in keys_of(before) if not isinstance(_at(before, key), dict)]
    single = [key for key in leaves if not is_list_of_tables(_at(before, key))]
    tables: list[Key] = [(), *(key for key in keys_of(before) if key not in leaves)]
    below = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
    new = st.tuples(st.sampled_from(tables), below).map(lambda pair: pair[0] + pair[1])
    usable = new.filter(
        lambda key: (
            all(key[:length] not in leaves for length in range(1, len(key)))
            and not isinstance(_at(before, key), dict)
            and not is_list_of_tables(_at(before, key))
        )
    )
    key = data.draw(st.one_of(usable, st.sampled_from(single)) if single else usable)
    value = data.draw(LEAVES)

    after = edit(document, {key: value})

    assert is_same(tomllib.loads(after.text.removeprefix("\ufeff")), changed(before, key, value))
    assert all(comment in after.text for comment in comments)
    assert after.text.startswith("\ufeff") == document.text.startswith("\ufeff")
    assert ("\r\n" in after.text) == ("\r\n" in document.text)


@given(files(), st.data())
def test_a_removed_key_removes_nothing_else(
    file: tuple[Document, list[str]], data: st.DataObject
) -> None:
    document, _ = file
    keys = keys_of(document.data)
    assume(keys)
    key = data.draw(st.sampled_from(keys))
    after = edit(document, {key: None})
    assert is_same(after.data, changed(document.data, key, None))


@given(files(), st.data())
def test_a_value_that_is_set_and_taken_out_leaves_the_file_as_it_was(
    file: tuple[Document, list[str]], data: st.DataObject
) -> None:
    document, _ = file
    key = (data.draw(NAMES.filter(lambda name: name not in document.data)),)
    there = edit(document, {key: 1})
    assert is_same(edit(there, {key: None}).data, document.data)


@given(files())
def test_every_key_has_the_line_on_which_it_stands(file: tuple[Document, list[str]]) -> None:
    document, _ = file
    lines = document.text.split("\n")
    for key in keys_of(document.data):
        assert dots(key[-1:]) in lines[document.line_of(key) - 1], key
