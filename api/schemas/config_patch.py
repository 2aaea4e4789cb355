"""Bodies that change settings: JSON merge patches (RFC 7396) with nested or dotted keys."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from breakerd.alerts.settings.change import decides_on_places
from breakerd.api.file_settings import SECTION as API_SECTION
from breakerd.api.file_settings import SECTIONS
from breakerd.api.schemas.requests import whole_numbers
from breakerd.api.settings import CHANGEABLE
from breakerd.breaker.config import Key
from breakerd.breaker.config.dotted_key import parse_key
from breakerd.breaker.config.sections import BREAKERS
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import Settings

_DEEPEST: Final = 6
"""Maximum number of names in a key, as in alerts.receivers.webhook.NAME.headers.HEADER."""


class ConfigPatch(RootModel[dict[str, Any]]):
    """Settings to change: omitted ones stay, null removes one from the file.

    Only their keys are checked here. Values are validated where they are merged with those in
    force, because one key may be valid only beside others.
    """

    def changes(self) -> dict[Key, object]:
        """Return the new values by their keys.

        Raises:
            ConfigError: a key is given twice.
        """
        changes: dict[Key, object] = {}
        for dotted, value in self.root.items():
            for key, leaf in _leaves(parse_key(dotted), whole_numbers(value)):
                if key in changes:
                    found, allowed = "the key twice", "each key once, in a table or dotted"
                    problem = ConfigProblem("request", 0, ".".join(key), found, allowed)
                    raise ConfigError([problem])
                changes[key] = leaf
        return changes


class SettingsPatch(ConfigPatch):
    """Settings of one breaker to change: omitted ones stay, null removes one from the file."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the settings, none of them required."""
        return handler(core_schema) | _patch_schema(Settings)


class SectionsPatch(ConfigPatch):
    """Settings of the process to change: omitted ones stay, null removes one from the file."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the file without the keys that are changed in it only."""
        sections = {name: _patch_schema(model) for name, model in SECTIONS.items()}
        breaker = _patch_schema(Settings)
        sections |= breaker["properties"]
        sections[BREAKERS] = {"type": "object", "additionalProperties": breaker}
        sections[API_SECTION]["properties"] = {
            name: schema
            for name, schema in sections[API_SECTION]["properties"].items()
            if name in CHANGEABLE
        }
        return handler(core_schema) | {"properties": sections, "additionalProperties": False}


def _leaves(key: Key, value: object) -> Iterator[tuple[Key, object]]:
    if isinstance(value, dict) and len(key) < _DEEPEST:
        for name, inner in value.items():
            yield from _leaves((*key, name), inner)
    else:
        yield key, value


def _patch_schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    inlined: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inlined


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema with its references resolved, and nothing required."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[1]]
        schema = target | {name: value for name, value in schema.items() if name != "$ref"}
    kept = {name: value for name, value in schema.items() if name not in {"required", "default"}}
    if isinstance(properties := kept.get("properties"), dict):
        kept["properties"] = {
            name: value for name, value in properties.items() if not _file_only(name, value)
        }
    return {name: _inlined(value, definitions) for name, value in kept.items()}


def _file_only(name: str, schema: Mapping[str, Any]) -> bool:
    branches = (schema, *schema.get("anyOf", ()))
    return decides_on_places(name) or any(branch.get("writeOnly") for branch in branches)
