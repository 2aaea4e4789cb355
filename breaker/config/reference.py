"""Generate the reference of all keys from the settings models: Markdown tables, and a TOML file."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeGuard, get_args, get_origin

import tomlkit
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import describe_allowed

_WIDTH: Final = 98
_ANY_NAME: Final = "NAME"
_BAR: Final = r"\|"


@dataclass(frozen=True, slots=True)
class Entry:
    """One key.

    Attributes:
        table: the table that contains it; empty for the root.
        name: its name there.
        meaning: its description.
        allowed: type, range and unit, in words.
        default: as TOML; empty if there is none.
        optional: True if its table, or one around it, does not exist by default.
        listed: True if its table is an element of an array of tables.
        found: True if a better value than the default is found while the key is not set.
    """

    table: Key
    name: str
    meaning: str
    allowed: str
    default: str
    optional: bool = False
    listed: bool = False
    found: bool = False

    @property
    def heading(self) -> str:
        """Return the header of its table."""
        path = ".".join(self.table)
        return f"[[{path}]]" if self.listed else f"[{path}]"


def entries(model: type[BaseModel], table: Key = ()) -> Iterator[Entry]:
    """Yield the keys of a settings model at `table`, those of its sub-tables last."""
    inner: list[Iterator[Entry]] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(field.json_schema_extra, dict) and "shadow" in field.json_schema_extra:
            continue  # it has the keys of its table once more
        if _is_model(kind):
            inner.append(entries(kind, (*table, name)))
        elif get_origin(kind) is tuple and (part := next(filter(_is_model, get_args(kind)), None)):
            own = (*table, name)
            yield _list_of_tables(table, name, field)
            inner.append(replace(e, optional=True, listed=True) for e in entries(part, own))
        elif part := next(filter(_is_model, get_args(kind)), None):
            own = (*table, name) if type(None) in get_args(kind) else (*table, name, _ANY_NAME)
            inner.append(replace(entry, optional=True) for entry in entries(part, own))
        else:
            yield Entry(
                table=table,
                name=name,
                meaning=field.description or "",
                allowed=describe_allowed(model, (name,)),
                default=""
                if field.is_required()
                else _as_toml_value(field.get_default(call_default_factory=True)),
                found=isinstance(extra := field.json_schema_extra, dict) and "found" in extra,
            )
    for each in inner:
        yield from each


def as_table(of: list[Entry]) -> str:
    """Return entries as a Markdown table."""
    rows = [
        f"| `{entry.name}` | {entry.meaning} | {entry.allowed.replace('|', _BAR)} "
        f"| {f'`{entry.default}`' if entry.default else 'not set'} |"
        for entry in of
    ]
    return "\n".join(["| key | meaning | allowed | default |", "| --- | --- | --- | --- |", *rows])


def as_toml(of: list[Entry]) -> str:
    """Return entries as a TOML file; keys that have no default, or better not, are comments."""
    blocks = []
    table: Key = ()
    for entry in of:
        mark = "# " if entry.optional else ""
        if entry.table != table:
            table = entry.table
            blocks.append(f"{mark}{entry.heading}")
        comment = [*textwrap.wrap(entry.meaning, _WIDTH), f"Allowed: {entry.allowed}."]
        setting = f"{entry.name} = {entry.default}"
        lines = [f"# {line}" for line in comment]
        unset = entry.found or not entry.default
        lines.append(f"# {setting.rstrip()}" if unset else f"{mark}{setting}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _list_of_tables(table: Key, name: str, field: FieldInfo) -> Entry:
    described = f"a list of tables, see `[[{'.'.join((*table, name))}]]`"
    return Entry(table, name, field.description or "", described, "[]", optional=True)


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _as_toml_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()
