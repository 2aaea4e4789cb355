"""Read and change the settings of the whole process; those of `[fleet]` are only read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from breakerd.alerts.settings.alerting import ALERTS_SECTION
from breakerd.alerts.settings.change import change_settings
from breakerd.api.file_settings import SECTION as API_SECTION
from breakerd.api.file_settings import SECTIONS, read_api_section
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.shared_change import SharedChange, sharing
from breakerd.api.security.auth import Actor
from breakerd.api.settings import CHANGEABLE, ApiSettings
from breakerd.breaker.config import ConfigFile, Document, Key, validate
from breakerd.breaker.config.config_file import Changes
from breakerd.breaker.config.merge import nested, patched
from breakerd.breaker.config.show_value import format_value
from breakerd.breaker.config.validate import suggest_key, unknown_key
from breakerd.breaker.errors import ConfigError, ConfigProblem, ConfigWriteError
from breakerd.breaker.fleet.settings.secrets import SECTION as FLEET_SECTION

_REQUEST: Final = "request"
_NOT_SHOWN: Final = "a value that is not shown"
_FLEET_IN_FILE: Final = "a change in the file only: it decides with whom breakers are shared"


def read(admin: AdminContext) -> dict[str, dict[str, Any]]:
    """Return the settings in force by their section, secrets masked; no alerting, no sections."""
    found: dict[str, dict[str, Any]] = {}
    if admin.alerting is not None:
        settings = admin.alerting.settings
        found["opsgenie"] = settings.opsgenie.model_dump(mode="json")
        found["alerts"] = settings.alerts.model_dump(mode="json")
    found[API_SECTION] = admin.settings.model_dump(mode="json")
    if admin.fleet is not None:
        found[FLEET_SECTION] = admin.fleet.settings.model_dump(mode="json")
    return found


def change(
    admin: AdminContext,
    actor: Actor,
    changes: Changes,
    *,
    action: str = "change configuration",
) -> SharedChange:
    """Change single keys: check all of them, apply them, and write them to the file.

    Return the progress at the other hosts.

    Args:
        admin: the admin plane.
        actor: the client.
        changes: new values by their keys, which begin with the section. None removes a key.
        action: name of the action in the audit log.

    Raises:
        ConfigError: a value is invalid, or a key is unknown or may be changed in the file only;
            nothing was changed.
        ConfigConflictError: the file cannot be edited now; nothing was changed.
        ConfigWriteError: the change is active, but could not be written to the file.
        Problem: the process has no alerting.
    """

    def snapshot() -> dict[str, object]:
        present = read(admin)
        return {".".join(key): _lookup(present, key) for key in changes}

    with (
        sharing(admin.fleet, actor) as shared,
        admin.audited(actor, action, snapshot=snapshot),
    ):
        if problems := [problem for key in changes if (problem := _refusal(key, changes[key]))]:
            raise ConfigError(problems)
        if any(key[0] != API_SECTION for key in changes):
            admin.require_alerting()
        _apply(admin, changes)
    return shared


def _apply(admin: AdminContext, changes: Changes) -> None:
    of_api = {key: value for key, value in changes.items() if key[0] == API_SECTION}
    of_alerting = {key: value for key, value in changes.items() if key[0] != API_SECTION}
    config, alerting = admin.registry.config, admin.alerting
    settings = _changed_api(admin, of_api) if of_api else admin.settings
    if alerting is not None and of_alerting and not (config and config.has_owner(ALERTS_SECTION)):
        alerting.change_keys(of_alerting)
        of_alerting = {}
    if config is None:
        admin.settings = settings
    elif of_api or of_alerting:
        _write(admin, config, of_api, of_alerting)


def _write(admin: AdminContext, config: ConfigFile, of_api: Changes, of_alerting: Changes) -> None:
    """Change the file once for all keys, so that all of them are in force, or none."""
    alerting = admin.alerting

    def check(document: Document) -> Changes:
        if alerting is not None and of_alerting:
            change_settings(alerting.settings, document, of_alerting)
        return {**of_alerting, **of_api}

    try:
        config.change(check)
    except ConfigWriteError:
        _take_up_api(admin, config, of_api)  # active all the same
        raise
    _take_up_api(admin, config, of_api)


def _take_up_api(admin: AdminContext, config: ConfigFile, of_api: Changes) -> None:
    # A host's own application does not subscribe the admin plane to the file.
    if of_api:
        admin.settings = read_api_section(config.document)


def _refusal(key: Key, value: object) -> ConfigProblem | None:
    """Return the problem with changing `key` over HTTP; None if its section decides."""
    section, inner = key[0], key[1:]
    if section == FLEET_SECTION:
        return ConfigProblem(_REQUEST, 0, ".".join(key), _NOT_SHOWN, _FLEET_IN_FILE)
    if section not in SECTIONS:
        allowed = suggest_key(section, list(SECTIONS))
        return ConfigProblem(_REQUEST, 0, ".".join(key), f"unknown key {section!r}", allowed)
    if section != API_SECTION or unknown_key(ApiSettings, inner) or key[-1] in CHANGEABLE:
        return None
    allowed = "a change in the file only: it decides who has access, or is read at start"
    return ConfigProblem(_REQUEST, 0, ".".join(key), format_value(value), allowed)


def _changed_api(admin: AdminContext, changes: Changes) -> ApiSettings:
    """Return `[api]` with the changes."""
    inner = {key[1:]: value for key, value in changes.items()}
    unknown = (unknown_key(ApiSettings, key) for key in inner)
    if problems := [replace(each, key=f"{API_SECTION}.{each.key}") for each in unknown if each]:
        raise ConfigError(problems)
    config = admin.registry.config
    present = config.document.data.get(API_SECTION, {}) if config else admin.settings.model_dump()
    data = patched(present if isinstance(present, dict) else {}, nested(inner))
    return validate(ApiSettings, data, prefix=(API_SECTION,), where=_REQUEST)


def _lookup(settings: Mapping[str, Any], key: Key) -> object:
    value: object = settings
    for part in key:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
