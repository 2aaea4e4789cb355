"""The ways to write one change into a TOML text, and keep all else, comments included.

Which way is right depends on how the file writes its tables: by headers, dotted keys or inline, in
any order. None is checked here; `edit` takes the first one that means what was wanted.
"""

from collections.abc import Iterator, Mapping, Sequence

import tomlkit

from breakerd.breaker.config.toml.scan import Key, Statement, inline_entries, statements


def forms_of(text: str, key: Key, value: object) -> Iterator[str]:
    """Yield texts in which `key` may be set to `value`, or removed if that is None."""
    scanned = list(statements(text))
    same = [each for each in scanned if each.key[: len(key)] == key]
    if value is None:
        yield from _without(text, same, key)
    elif not same:
        yield from _with_new(text, scanned, key, value)
    elif len(same) == 1 and same[0].key == key and same[0].value is not None:
        begin, end = same[0].value
        yield text[:begin] + _toml(value) + text[end:]
    else:
        for bare in _without(text, same, key):
            yield from _with_new(bare, list(statements(bare)), key, value)
    yield from _inside(text, scanned, key, value)


# --- new keys


def _with_new(text: str, scanned: list[Statement], key: Key, value: object) -> Iterator[str]:
    if own := [each for each in scanned if each.table == key[:-1]]:
        yield _insert(text, own[-1], _path(key[-1:]), value)
    elif len(key) == 1:
        yield _insert_first(text, scanned, key, value)
    if dotted := _dotted_neighbour(scanned, key):
        yield _insert(text, dotted, _path(key[len(dotted.table) :]), value)
    if len(key) > 1:
        yield _append_table(text, key, value)


def _dotted_neighbour(scanned: list[Statement], key: Key) -> Statement | None:
    """Return the last statement that defines, by a dotted key, a table around `key`."""
    for length in range(len(key) - 1, 0, -1):
        around = key[:length]
        found = [
            each
            for each in scanned
            if each.value is not None
            and len(each.table) < length < len(each.key)
            and each.key[:length] == around
        ]
        if found:
            return found[-1]
    return None


def _insert(text: str, last: Statement, path: str, value: object) -> str:
    """Add a line after `last`, above the comments that belong to the next table."""
    line_break = _line_break(text)
    above = text[last.start : last.end]
    indent = above[: len(above) - len(above.lstrip(" \t"))]
    line = f"{indent}{path} = {_toml(value)}{line_break}"
    if not above.endswith("\n"):
        line = line_break + line
    return text[: last.end] + line + text[last.end :]


def _insert_first(text: str, scanned: list[Statement], key: Key, value: object) -> str:
    """Add the first key of the root: above the first table and the comment on top of it."""
    line_break = _line_break(text)
    line = f"{_path(key)} = {_toml(value)}{line_break}"
    if not scanned:
        gap = "" if not text or text.endswith("\n") else line_break
        return text + gap + line
    above = text[: scanned[0].start].splitlines(keepends=True)
    while above and above[-1].lstrip().startswith("#"):
        above.pop()
    position = len("".join(above))
    return text[:position] + line + line_break + text[position:]


def _append_table(text: str, key: Key, value: object) -> str:
    line_break = _line_break(text)
    head = text if not text or text.endswith("\n") else text + line_break
    gap = line_break if head else ""
    assignment = f"{_path(key[-1:])} = {_toml(value)}"
    return f"{head}{gap}[{_path(key[:-1])}]{line_break}{assignment}{line_break}"


# --- removed keys


def _without(text: str, same: Sequence[Statement], key: Key) -> Iterator[str]:
    """Yield the text without `same`; then with the table around them kept, if it was theirs."""
    if not same:
        return
    bare = text
    for each in reversed(same):
        bare = bare[: each.start] + bare[each.end :]
    yield bare
    first = same[0]
    around = key[:-1]
    if first.value is None:
        kept = f"[{_path(around)}]" if around else ""
    else:
        kept = f"{_path(around[len(first.table) :])} = {{}}" if around != first.table else ""
    yield bare[: first.start] + kept + _line_break(text) + bare[first.start :]


# --- inline tables


def _inside(text: str, scanned: list[Statement], key: Key, value: object) -> Iterator[str]:
    for each in scanned:
        if each.value and len(each.key) < len(key) and key[: len(each.key)] == each.key:
            yield from _inside_value(text, each.value[0], key[len(each.key) :], value)


def _inside_value(text: str, begin: int, key: Key, value: object) -> Iterator[str]:
    """Yield texts with a change in the inline table at `begin`; `key` is relative to it."""
    if text[begin : begin + 1] != "{":
        return
    entries, close = inline_entries(text, begin)
    same = [each for each in entries if each.key[: len(key)] == key]
    for each in entries:
        if len(each.key) < len(key) and each.key == key[: len(each.key)]:
            yield from _inside_value(text, each.value[0], key[len(each.key) :], value)
    kept = [text[each.start : each.value[1]] for each in entries if each not in same]
    if value is None:
        yield text[:begin] + _inline(kept) + text[close + 1 :]
        yield text[:begin] + _inline([*kept, f"{_path(key[:-1])} = {{}}"]) + text[close + 1 :]
    elif len(same) == 1 and same[0].key == key:
        start, end = same[0].value
        yield text[:start] + _toml(value) + text[end:]
    else:
        added = f"{_path(key)} = {_toml(value)}"
        yield text[:begin] + _inline([*kept, added]) + text[close + 1 :]


def _inline(entries: list[str]) -> str:
    return f"{{ {', '.join(entries)} }}" if entries else "{}"


# --- parts of a text


def _path(key: Key) -> str:
    return ".".join(tomlkit.key(part).as_string() for part in key)


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _toml(value: object) -> str:
    """Return the value on one line."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return _inline([f"{_path((name,))} = {_toml(inner)}" for name, inner in value.items()])
    return tomlkit.item(value).as_string()
