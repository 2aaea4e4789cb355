"""Change single keys of `[opsgenie]` and `[alerts]`."""

from collections.abc import Mapping
from dataclasses import replace
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
    refused = (_refusal(SECTIONS[key[0]], key) for key in changes)
    if problems := [problem for problem in refused if problem]:
        raise ConfigError(problems)
    tables = nested(changes)
    if document is None:
        data = {
            OPSGENIE_SECTION: present.opsgenie.model_dump(exclude_unset=True),
            ALERTS_SECTION: present.alerts.model_dump(exclude_unset=True),
        }
        return _validate(patched(data, tables))
    try:
        return read_settings(replace(document, data=patched(document.data, tables)))
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


def _refusal(model: type[BaseModel], key: Key) -> ConfigProblem | None:
    """Return the problem with changing `key` anywhere but in the file; None if there is none."""
    dotted, inner, name = ".".join(key), key[1:], key[-1]
    if problem := unknown_key(model, inner):
        return replace(problem, key=dotted)
    if is_secret(model, inner):
        variable = variable_of(key)
        where = f"in the file or in {variable}" if variable else "in the file"
        allowed = f"a change {where} only: no secret is taken from a request"
    elif decides_on_places(name):
        allowed = "a change in the file only: it decides where alerts and secrets go"
    else:
        return None
    return ConfigProblem(REQUEST, 0, dotted, _NOT_SHOWN, allowed)
