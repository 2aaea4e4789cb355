"""Changes single values of a TOML text and leaves all else, comments included, as it stands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import tomlkit
from tomlkit.container import Container

from breaker.config.document import Key

if TYPE_CHECKING:
    from tomlkit.items import Table


def edited(text: str, changes: Mapping[Key, object]) -> str:
    """`text` with each key of `changes` set to its value, or taken out where that is None.

    Tables that are missing are made. Only leaves are assigned: assigning a table would drop the
    comments in it.
    """
    document = tomlkit.parse(text)
    for key, value in changes.items():
        _set(document, key, value)
    return document.as_string()


def _set(document: Container, key: Key, value: object) -> None:
    table: Container | Table = document
    for depth, part in enumerate(key[:-1]):
        if part not in table:
            if value is None:
                return
            # [breakers] needs no header of its own above [breakers.NAME].
            table[part] = tomlkit.table(is_super_table=depth < len(key) - 2)
        table = cast("Table", table[part])
    if value is None:
        table.pop(key[-1], None)
    else:
        table[key[-1]] = list(value) if isinstance(value, tuple | list) else value
