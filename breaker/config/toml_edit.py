"""Change single values of a TOML text and keep everything else, comments included.

The usual edits (replace a value, add a line to a table, remove a line, append a table) replace a
span of the text and parse nothing. Other forms, such as inline tables, go through tomlkit.
"""

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, cast

import tomlkit

from breakerd.breaker.config.toml_scan import Key, Statement, statements

if TYPE_CHECKING:
    from tomlkit.items import Item


def edit(text: str, changes: Mapping[Key, object]) -> str:
    """Return `text` with each key of `changes` set to its value, or removed if that is None.

    Missing tables are created.

    Raises:
        ValueError: the text is not TOML, or a key leads through a value that is not a table.
    """
    for key, value in changes.items():
        edited = _edit_span(text, key, value)
        text = _edit_tree(text, key, value) if edited is None else edited
    return text


def _edit_span(text: str, key: Key, value: object) -> str | None:
    """Return `text` with `key` edited in place; None if the form needs a TOML parser."""
    scanned = list(statements(text))
    same = [each for each in scanned if each.key[: len(key)] == key]
    if same:
        return _replace(text, same, key, value)
    if value is None or any(each.in_array and each.key[:1] == key[:1] for each in scanned):
        return None
    if siblings := [each for each in scanned if each.table == key[:-1]]:
        return _insert(text, siblings[-1], key, value)
    return _append_table(text, scanned, key, value)


def _replace(text: str, same: list[Statement], key: Key, value: object) -> str | None:
    statement = same[0]
    if len(same) > 1 or statement.key != key or statement.in_array or statement.value is None:
        return None
    if value is None:
        return text[: statement.start] + text[statement.end :]
    begin, end = statement.value
    return text[:begin] + _toml_item(value).as_string() + text[end:]


def _insert(text: str, last: Statement, key: Key, value: object) -> str:
    """Add a line after `last`; tomlkit would put it after the next table's leading comments."""
    line_break = _line_break(text)
    above = text[last.start : last.end]
    indent = above[: len(above) - len(above.lstrip(" \t"))]
    line = f"{indent}{_assignment(key, value)}{line_break}"
    if not above.endswith("\n"):
        line = line_break + line
    return text[: last.end] + line + text[last.end :]


def _append_table(text: str, scanned: list[Statement], key: Key, value: object) -> str | None:
    """Add a new table at the end; None if it, or a table around it, exists in another form."""
    table = key[:-1]
    if not table:
        return None
    for each in scanned:
        shared = each.key[: len(table)]
        assigned = each.value is not None and len(each.table) < len(shared)
        if shared == table or (assigned and shared == table[: len(shared)]):
            return None
        if assigned and each.key[: len(each.table) + 1] == table[: len(each.table) + 1]:
            return None  # a dotted key, or an inline table, defines a table around it
    line_break = _line_break(text)
    head = text if not text or text.endswith("\n") else text + line_break
    gap = line_break if head else ""
    header = tomlkit.key(list(table)).as_string()
    return f"{head}{gap}[{header}]{line_break}{_assignment(key, value)}{line_break}"


def _edit_tree(text: str, key: Key, value: object) -> str:
    """Edit by tomlkit; assign only the leaf, because assigning a table drops its comments."""
    document = tomlkit.parse(text)
    table: MutableMapping[str, object] = document
    for depth, part in enumerate(key[:-1]):
        if part not in table:
            if value is None:
                return text
            # [breakers] needs no header of its own above [breakers.NAME].
            table[part] = tomlkit.table(is_super_table=depth < len(key) - 2)
        if not isinstance(table[part], MutableMapping):
            place = ".".join(key[: depth + 1])
            raise ValueError(f"{place} is no table")  # noqa: TRY004 - it is the text that is wrong
        table = cast("MutableMapping[str, object]", table[part])
    if value is None:
        table.pop(key[-1], None)
    else:
        table[key[-1]] = _toml_item(value)
    return document.as_string()


def _assignment(key: Key, value: object) -> str:
    return f"{tomlkit.key(key[-1]).as_string()} = {_toml_item(value).as_string()}"


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _toml_item(value: object) -> "Item":
    return tomlkit.item(list(value) if isinstance(value, tuple) else value)
