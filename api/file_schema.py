"""JSON Schema of the configuration file, for editors: derived from the settings models.

It is of draft 7, with `definitions` and without anything beside a `$ref`: taplo ("Even Better
TOML") promises draft 4 only, and tombi reads draft 7 too.

Sources:
https://taplo.tamasfe.dev/configuration/developing-schemas.html
https://tombi-toml.github.io/tombi/docs/json-schema
"""

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from breakerd.api.file_settings import SECTION_MODELS
from breakerd.breaker.config.sections import BREAKERS, LEGACY_ROOT, NAME_PATTERN
from breakerd.breaker.settings import CandidateSettings, Settings, Slo

if TYPE_CHECKING:
    from pydantic import BaseModel

FILE_NAME: Final = "breakerd.schema.json"
"""Name of the schema beside a configuration file."""
HEADER: Final = f"#:schema ./{FILE_NAME}"
"""First line of a configuration file whose schema is beside it; taplo and tombi read it."""

Schema = dict[str, Any]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_REFERENCE: Final = "#/definitions/{model}"
_SLO: Final = "PartOfSlo"
"""Definition of an `[slo]` that the one of the root completes."""
_NAMED: Final = "NamedSettings"
_DROPPED: Final = frozenset({"title", "unit", "found", "x-shown"})
"""Members that say nothing to an editor."""
_SECRET: Final = {"format": "password"}


def file_schema() -> Schema:
    """Return the schema of a whole file.

    It knows no rule between two keys, and takes no value that is only tolerated for go-breaker's
    sake: `breakerd check` knows both.
    """
    definitions = _definitions()
    root = definitions[Settings.__name__]
    named = f"Settings of one breaker (`[{BREAKERS}.NAME]`); what it omits is the root's."
    sections = {name: _ref(model.__name__) for name, model in SECTION_MODELS.items()}
    tables = {
        LEGACY_ROOT: _ref(Settings.__name__),
        BREAKERS: {
            "type": "object",
            "description": named,
            "patternProperties": {NAME_PATTERN: _ref(_NAMED)},
            "additionalProperties": False,
        },
    }
    return {
        "$schema": _DRAFT,
        "title": "breakerd",
        **root,
        "description": "Configuration of breakerd: the root has the settings of every breaker.",
        "properties": {**root["properties"], **tables, **sections},
        "definitions": definitions,
    }


def _definitions() -> dict[str, Schema]:
    """Return the schemas of all models by their names, those that a file adds among them."""
    models: list[type[BaseModel]] = [Settings, *SECTION_MODELS.values()]
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE
    )
    found = {name: _for_editors(each) for name, each in schema["$defs"].items()}
    found[_SLO] = {k: v for k, v in found[Slo.__name__].items() if k != "required"}
    own, candidate = found[Settings.__name__], found[CandidateSettings.__name__]
    candidate["properties"]["slo"] = _ref(_SLO)
    found[_NAMED] = {**own, "properties": {**own["properties"], "slo": _ref(_SLO)}}
    return found


def _ref(name: str) -> Schema:
    return {"$ref": _REFERENCE.format(model=name)}


def _for_editors(schema: Schema) -> Schema:
    """Return a schema of pydantic's as editors need it: TOML has no null."""
    branches = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(branches) == 1:
        schema = {**{k: v for k, v in schema.items() if k != "anyOf"}, **branches[0]}
    elif branches:
        schema = {**schema, "anyOf": [_for_editors(each) for each in branches]}
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    found = {name: value for name, value in schema.items() if _is_told(name, value)}
    if unit := schema.get("unit"):
        found["description"] = f"{found['description']} Unit: {unit}."
    for name in ("properties", "patternProperties"):
        if name in found:
            found[name] = {key: _for_editors(each) for key, each in found[name].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = _for_editors(found[name])
    if "patternProperties" in found:
        found.setdefault("additionalProperties", False)
    return found


def _is_told(name: str, value: object) -> bool:
    if name == "default":
        return value is not None
    return name not in _DROPPED and (name, value) not in _SECRET.items()
