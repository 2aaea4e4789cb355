"""Decide which values of a configuration may be shown in an error.

A value that is wrong is often a secret in the wrong place: pasted into the key above, or into a
list. So text is shown only where a setting takes no free text, or says that its text may be shown.
"""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any, Final

import tomlkit

Schema = Mapping[str, Any]

SHOWN: Final = "x-shown"
"""Member of a setting's JSON schema: True if its text may be shown."""

_MAX_VALUE_LENGTH: Final = 60
_MAX_WORD_LENGTH: Final = 20
_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (str, "text"),
    (bool, "a truth value"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (tuple, "a list"),
    (date, "a date"),
    (time, "a time"),
)


def format_value(value: object) -> str:
    """Return a value as shown in a problem: in TOML, truncated."""
    if isinstance(value, Mapping):
        return "a table"
    if value is None:
        return "null"  # of JSON: TOML has no such value
    if isinstance(value, str | list | tuple):
        value = value[: _MAX_VALUE_LENGTH + 1]  # what is shown of it, at most
    try:
        text = " ".join(tomlkit.item(value).as_string().split("\n"))
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else text[: _MAX_VALUE_LENGTH - 1] + "…"


def show_value(value: object, schema: Schema) -> str:
    """Return the value as shown in a problem; only its kind if it may be a secret.

    Args:
        value: the value found.
        schema: JSON schema of the setting, without references.
    """
    if isinstance(value, Mapping):
        return "a table"
    if value is None or _may_be_shown(value, schema):
        return format_value(value)
    kind = next((name for kinds, name in _KINDS if isinstance(value, kinds)), "a value")
    return f"{kind} that is not shown"


def shown_name(name: str) -> str:
    """Return a name that stands in the file as shown in a problem: only if it is a plain one."""
    return name if re.fullmatch(r"[\w.-]{0,100}|[\w .-]{1,20}", name) else "…"


def _may_be_shown(value: object, schema: Schema) -> bool:
    branches = (schema, *schema.get("anyOf", ()))
    if any(branch.get("writeOnly") for branch in branches):
        return False
    if isinstance(value, list | tuple):
        return all(_may_be_shown(each, schema.get("items", schema)) for each in value)
    if not isinstance(value, str):
        return not isinstance(value, Mapping)
    if schema.get(SHOWN):
        return True
    # A number or one of several words is due: only what looks like one is shown.
    free = any(_takes_text(branch) for branch in branches)
    return not free and re.fullmatch(rf"[\w .,:%+-]{{0,{_MAX_WORD_LENGTH}}}", value) is not None


def _takes_text(schema: Schema) -> bool:
    """True if any text is due there, or a whole table or list, in which there is text."""
    return schema.get("type") in {"string", "object", "array"} and "enum" not in schema
