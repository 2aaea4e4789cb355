"""Whatever file the service takes without a warning, the schema for editors takes too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import event, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from breakerd.api.file_schema import file_schema
from breakerd.api.file_settings import settings_of
from breakerd.breaker.config import parse_document
from breakerd.breaker.errors import ConfigError

SCHEMA = file_schema()
VALIDATOR = Draft7Validator(SCHEMA)
TEXTS = ("", "P1", "us", "eu", "jsm", "read", "file", "none", "UTC", "02:00", "24:00", "a b", "x")
FORMS = ("ü", "https://h.example", "ftp://h", "kind=open", "=", "team:a", "mon", "7d", "0d", "a-b")
WORDS = st.sampled_from([*TEXTS, *FORMS])
NUMBERS = st.one_of(
    st.sampled_from([-1, 0, 0.5, 1, 1.0, 2, 5, 10, 64, 100, 3600, 65536, 86400, 10**6, 10**9]),
    st.floats(-10, 1e7, allow_nan=False),
    st.integers(-10, 10**7),
)
ANYTHING = st.one_of(st.booleans(), NUMBERS, WORDS, st.lists(st.one_of(NUMBERS, WORDS), max_size=2))
NAMES = st.sampled_from(["a", "main", "eu.pay", "Main", "a b", "ü", "PROD"])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that are likely taken, so that most files are wrong in little or nothing."""
    kind = schema.get("type")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "boolean":
        return st.booleans()
    if kind in {"number", "integer"}:
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", low + 10))
        near = [low, high, (low + high) / 2, low + 1]
        return st.sampled_from([int(each) if kind == "integer" else each for each in near])
    if kind == "array":
        return st.lists(values(schema["items"]), max_size=2)
    return WORDS


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    schema = resolved(schema)
    if schema.get("type") == "object":
        return tables(schema)
    likely = fitting(schema)
    return st.one_of(likely, likely, likely, likely, likely, ANYTHING)


@st.composite
def tables(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a table with some keys of the schema, or of entries in it, and seldom another key."""
    table: dict[str, Any] = {}
    known = sorted(schema.get("properties", {}))
    for name in draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else ():
        table[name] = draw(values(schema["properties"][name]))
    for name in schema.get("required", ()):
        table.setdefault(name, draw(values(schema["properties"][name])))
    entry = next(iter(schema.get("patternProperties", {}).values()), None)
    entry = entry or schema.get("additionalProperties")
    if isinstance(entry, dict):
        for name in draw(st.lists(NAMES, max_size=2, unique=True)):
            table[name] = draw(values(entry))
    if draw(st.integers(0, 19)) == 0:
        table["unknown_key"] = 1
    return table


@given(tables(SCHEMA))
def test_what_the_service_takes_the_schema_takes(data: dict[str, Any]) -> None:
    document = parse_document(Path("b.toml"), tomlkit.dumps(data))
    try:
        warned = bool(settings_of(document).warnings)
    except ConfigError:
        event("refused")
        return
    event("tolerated" if warned else "taken")
    if not warned:
        plain = json.loads(json.dumps(document.data, default=str))
        assert [each.message for each in VALIDATOR.iter_errors(plain)] == []
