"""Change single keys of `[opsgenie]` and `[alerts]`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from breakerd.alerts.settings.alerting import (
    ALERTS_SECTION,
    OPSGENIE_SECTION,
    AlertingSettings,
    AlertsSettings,
    read_settings,
)
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.secrets import variable_of
from breakerd.breaker.config import Document, Key, validate
from breakerd.breaker.config.merge import nested, patched
from breakerd.breaker.config.show_value import shown_name
from breakerd.breaker.config.validate import is_secret, unknown_key
from breakerd.breaker.errors import ConfigError, ConfigProblem

SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    OPSGENIE_SECTION: OpsGenieSettings,
    ALERTS_SECTION: AlertsSettings,
}
"""Settings models by their section."""

REQUEST: Final = "request"
_NOT_SHOWN: Final = "a value that is not shown"
_FILE_ONLY: Final = frozenset({"api_url", "cloud_id", "database"})
"""Keys that say where alerts are sent or kept; those that end with `_file` do, too."""


def change_settings(
    present: AlertingSettings, document: Document | None, changes: Mapping[Key, object]
) -> AlertingSettings:
    """Return the settings with changes of single keys; None removes one.

    Args:
        present: the settings in force.
        document: the file that they come from; None if there is none.
        changes: new values by their keys, which begin with the section.

    Raises:
        ConfigError: a value is invalid, or a key is unknown or may be changed in the file only;
            `where` is "request".
    """
    data: Mapping[str, object] = (
        {
            OPSGENIE_SECTION: present.opsgenie.model_dump(exclude_unset=True),
            ALERTS_SECTION: present.alerts.model_dump(exclude_unset=True),
        }
        if document is None
        else document.data
    )
    refused = (refusal(key, changes[key], data) for key in changes)
    if problems := [problem for problem in refused if problem]:
        raise ConfigError(problems)
    changed = patched(data, nested(changes))
    if document is None:
        return replace(_validate(changed), public_url=present.public_url)
    try:
        return read_settings(replace(document, data=changed))
    except ConfigError as error:
        # The lines are those of the file without the changes.
        asked = [
            replace(each, where=REQUEST, line=0) if each.line else each for each in error.problems
        ]
        raise ConfigError(asked) from None


def decides_on_places(name: str) -> bool:
    """True if the key `name` says where alerts are sent or kept, or where a secret is read."""
    return name in _FILE_ONLY or name.endswith("_file")


def _validate(data: Mapping[str, object]) -> AlertingSettings:
    opsgenie, alerts = (
        validate(model, data.get(section, {}), prefix=(section,), where=REQUEST)  # type: ignore[arg-type]  # checked there
        for section, model in SECTIONS.items()
    )
    return AlertingSettings(opsgenie, alerts)  # type: ignore[arg-type]  # in the order of SECTIONS


def refusal(
    key: Key, value: object, data: Mapping[str, object] = MappingProxyType({})
) -> ConfigProblem | None:
    """Return the problem with changing `key` anywhere but in the file; None if there is none.

    Args:
        key: the key, which begins with the section.
        value: its new value; None to remove it.
        data: the settings without the change.
    """
    dotted = ".".join(key)
    if problem := unknown_key(SECTIONS[key[0]], key[1:]):
        return replace(problem, key=dotted)
    if allowed := _file_only(key):
        return ConfigProblem(REQUEST, 0, dotted, _NOT_SHOWN, allowed)
    # What is removed here could not be set again here.
    lost = (
        next(filter(_file_only, _keys_below(key, _at(data, key))), None) if value is None else None
    )
    if lost is None:
        return None
    found = f"a table that holds {'.'.join(map(shown_name, lost))}"
    return ConfigProblem(REQUEST, 0, dotted, found, "its removal in the file, or of other keys")


def _file_only(key: Key) -> str:
    """Return what is allowed instead of a change of that key by request; empty if that is."""
    if is_secret(SECTIONS[key[0]], key[1:]):
        variable = variable_of(key)
        where = f"in the file or in {variable}" if variable else "in the file"
        return f"a change {where} only: no secret is taken from a request"
    if decides_on_places(key[-1]):
        return "a change in the file only: it decides where alerts and secrets go"
    return ""


def _keys_below(key: Key, value: object) -> Iterator[Key]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _keys_below((*key, str(name)), inner)
    else:
        yield key


def _at(data: Mapping[str, object], key: Key) -> object:
    value: object = data
    for part in key:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
