"""Read and change the settings of the whole process; those of `[fleet]` are only read."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from breakerd.alerts.settings.alerting import ALERTS_SECTION
from breakerd.alerts.settings.change import SECTIONS as ALERTING_SECTIONS
from breakerd.alerts.settings.change import change_settings
from breakerd.alerts.settings.change import refusal as alerting_refusal
from breakerd.api.file_settings import MASKER, SECTIONS, read_api_section
from breakerd.api.file_settings import SECTION as API_SECTION
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.shared_change import SharedChange, sharing
from breakerd.api.security.auth import Actor
from breakerd.api.settings import CHANGEABLE, ApiSettings
from breakerd.breaker.config import ConfigFile, Document, Key, ValidationCache, validate
from breakerd.breaker.config.following.in_force import Changes
from breakerd.breaker.config.merge import nested, patched
from breakerd.breaker.config.sections import BREAKERS, LEGACY_ROOT, NAME_ALLOWED, valid_name
from breakerd.breaker.config.settings_change import SettingsChange
from breakerd.breaker.config.show_value import format_value, shown_name
from breakerd.breaker.config.validate import suggest_key, unknown_key
from breakerd.breaker.config_log.masking import shown
from breakerd.breaker.errors import ConfigError, ConfigProblem, ConfigWriteError
from breakerd.breaker.fleet.settings.secrets import SECTION as FLEET_SECTION
from breakerd.breaker.record.change import check_changes
from breakerd.breaker.record.change import refusal as history_refusal
from breakerd.breaker.record.settings import SECTION as HISTORY_SECTION
from breakerd.breaker.settings import Settings

_REQUEST: Final = "request"
_NOT_SHOWN: Final = "a value that is not shown"
_FLEET_IN_FILE: Final = "a change in the file only: it decides with whom breakers are shared"
_FLEET_CHANGEABLE: Final = frozenset({"interval"})
_NO_FILE: Final = "a change of each breaker by itself, because there is no configuration file"
_TABLE_DEPTH: Final = 2
"""Number of names in the key of a breaker's table."""
_IN_TABLE: Final = "a key below the breaker's name, as breakers.payments.wait_time"


def _nothing() -> None:
    """Require nothing."""


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
    if admin.record is not None:
        found[HISTORY_SECTION] = admin.record.settings.model_dump(mode="json")
    return found


def change(
    admin: AdminContext,
    actor: Actor,
    changes: Changes,
    *,
    action: str = "change configuration",
    require: Callable[[], None] = _nothing,
) -> SharedChange:
    """Change single keys: check all of them, apply them, and write them to the file.

    Return the progress at the other hosts.

    Args:
        admin: the admin plane.
        actor: the client.
        changes: new values by their keys in the file. None removes a key.
        action: name of the action in the audit log.
        require: called when nobody else can change anything, before it is changed.

    Raises:
        ConfigError: a value is invalid, or a key is unknown or may be changed in the file only;
            nothing was changed.
        ConfigConflictError: the file cannot be edited now; nothing was changed.
        ConfigWriteError: the change is active, but could not be written to the file.
        Problem: the process has no alerting.
    """
    with sharing(admin.fleet, actor) as shared, audited(admin, actor, changes, action):
        require_changeable(admin, changes)
        _apply(admin, changes, require)
    return shared


@contextmanager
def audited(
    admin: AdminContext, actor: Actor, changes: Collection[Key], action: str
) -> Iterator[None]:
    """Record a change of these keys as one audit entry."""

    def snapshot() -> dict[str, object]:
        present = {**_active(admin), **read(admin)}
        return {".".join(key): shown(_lookup(present, key)) for key in changes}

    with admin.audited(actor, action, snapshot=snapshot, detail=actor.reason):
        yield


def require_changeable(admin: AdminContext, changes: Changes) -> None:
    """Do nothing if all of the keys may be changed by request.

    Raises:
        ConfigError: a key is unknown, or may be changed in the file only.
        Problem: the process has no alerting.
    """
    refused = [refusal(admin, key, value) for key, value in changes.items()]
    if problems := [problem for problem in refused if problem]:
        raise ConfigError(problems)
    if any(key[0] in ALERTING_SECTIONS for key in changes):
        admin.require_alerting()


def file_changes(admin: AdminContext, changes: Changes, document: Document) -> Changes:
    """Check changes against the file, and return them by their keys in it.

    Raises:
        ConfigError: a value is invalid; `where` is "request".
    """
    of_api, of_alerting = _of(changes, {API_SECTION}), _of(changes, ALERTING_SECTIONS)
    if of_api:
        _changed_api(admin, of_api)
    if admin.alerting is not None and of_alerting:
        change_settings(admin.alerting.settings, document, of_alerting)
    of_history = _of(changes, {HISTORY_SECTION})
    if of_history:
        check_changes(document, of_history)
    others = {*ALERTING_SECTIONS, API_SECTION, FLEET_SECTION, HISTORY_SECTION}
    of_breakers = {key: value for key, value in changes.items() if key[0] not in others}
    of_fleet = _of(changes, {FLEET_SECTION})
    return {
        **of_alerting,
        **of_api,
        **of_fleet,
        **of_history,
        **_breakers_keys(document, of_breakers),
    }


def _breakers_keys(document: Document, changes: Changes) -> Changes:
    """Return changes of breakers and of the root by their keys in the file."""
    tables: dict[str | None, dict[str, object]] = {}
    keys: dict[Key, object] = {}
    for key, value in changes.items():
        if key[0] != BREAKERS:
            tables.setdefault(None, {})[".".join(key)] = value
        elif len(key) == _TABLE_DEPTH:
            keys[key] = value  # the whole table is removed
        else:
            tables.setdefault(key[1], {})[".".join(key[_TABLE_DEPTH:])] = value
    cache = ValidationCache()
    for table, values in tables.items():
        change = SettingsChange(values)
        change.check(document, table, cache)
        keys.update(change.file_keys(document, table))
    return keys


def _apply(admin: AdminContext, changes: Changes, require: Callable[[], None]) -> None:
    config, alerting = admin.registry.config, admin.alerting
    of_alerting = _of(changes, ALERTING_SECTIONS)
    if alerting is not None and of_alerting and not (config and config.has_owner(ALERTS_SECTION)):
        require()
        alerting.change_keys(of_alerting)
        changes = {key: value for key, value in changes.items() if key not in of_alerting}
    if config is None:
        require()
        admin.settings = _changed_api(admin, _of(changes, {API_SECTION}))
    elif changes:
        _write(admin, config, changes, require)


def _write(
    admin: AdminContext, config: ConfigFile, changes: Changes, require: Callable[[], None]
) -> None:
    """Change the file once for all keys, so that all of them are in force, or none."""

    def check(document: Document) -> Changes:
        require()
        return file_changes(admin, changes, document)

    of_api = _of(changes, {API_SECTION})
    try:
        config.change(check)
    except ConfigWriteError:
        _take_up_api(admin, config, of_api)  # active all the same
        raise
    _take_up_api(admin, config, of_api)


def _of(changes: Changes, sections: Collection[str]) -> Changes:
    return {key: value for key, value in changes.items() if key[0] in sections}


def _active(admin: AdminContext) -> dict[str, Any]:
    config = admin.registry.config
    return MASKER.data(config.document) if config is not None else {}


def _take_up_api(admin: AdminContext, config: ConfigFile, of_api: Changes) -> None:
    # A host's own application does not subscribe the admin plane to the file.
    if of_api:
        admin.settings = read_api_section(config.document)


def refusal(admin: AdminContext, key: Key, value: object) -> ConfigProblem | None:
    """Return the problem with changing `key` over HTTP; None if its section decides."""
    section, inner = key[0], key[1:]
    if section == FLEET_SECTION:
        return _fleet_refusal(key)
    if section == HISTORY_SECTION:
        kept = admin.record is not None and admin.registry.config is not None
        return history_refusal(key, value, kept=kept)
    if section not in SECTIONS:
        return _breakers_refusal(admin, key, value)
    if section != API_SECTION or unknown_key(ApiSettings, inner) or key[-1] in CHANGEABLE:
        return None
    allowed = "a change in the file only: it decides who has access, or is read at start"
    return ConfigProblem(_REQUEST, 0, ".".join(key), format_value(value), allowed)


def refusal_of_leaf(admin: AdminContext, key: Key, value: object) -> ConfigProblem | None:
    """Return the problem with changing one value of the file, from whichever section it is."""
    if key[0] == LEGACY_ROOT:
        key = key[1:]
    if key[0] in ALERTING_SECTIONS and admin.alerting is not None:
        return alerting_refusal(key, value)
    return refusal(admin, key, value)


def _fleet_refusal(key: Key) -> ConfigProblem | None:
    if key[1:] and key[1] in _FLEET_CHANGEABLE:
        return None
    return ConfigProblem(_REQUEST, 0, ".".join(key), _NOT_SHOWN, _FLEET_IN_FILE)


def _breakers_refusal(admin: AdminContext, key: Key, value: object) -> ConfigProblem | None:
    """Return the problem with a key of a breaker's, or of the root."""
    dotted, is_table = ".".join(key), key[0] == BREAKERS
    if not is_table and key[0] not in Settings.model_fields:
        allowed = suggest_key(key[0], [*SECTIONS, BREAKERS, *Settings.model_fields])
        return ConfigProblem(_REQUEST, 0, dotted, f"unknown key {shown_name(key[0])!r}", allowed)
    if admin.registry.config is None:
        return ConfigProblem(_REQUEST, 0, dotted, "a key of a breaker", _NO_FILE)
    if is_table and (len(key) < _TABLE_DEPTH or (len(key) == _TABLE_DEPTH and value is not None)):
        return ConfigProblem(_REQUEST, 0, dotted, "no key of a breaker", _IN_TABLE)
    if is_table and not valid_name(key[1]):
        return ConfigProblem(_REQUEST, 0, BREAKERS, shown_name(key[1]), NAME_ALLOWED)
    return None


def _changed_api(admin: AdminContext, changes: Changes) -> ApiSettings:
    """Return `[api]` with the changes."""
    inner = {key[1:]: value for key, value in changes.items()}
    unknown = (unknown_key(ApiSettings, key) for key in inner)
    if problems := [replace(each, key=f"{API_SECTION}.{each.key}") for each in unknown if each]:
        raise ConfigError(problems)
    config = admin.registry.config
    present = config.lasting.data.get(API_SECTION, {}) if config else admin.settings.model_dump()
    data = patched(present if isinstance(present, dict) else {}, nested(inner))
    return validate(ApiSettings, data, prefix=(API_SECTION,), where=_REQUEST)


def _lookup(settings: Mapping[str, Any], key: Key) -> object:
    value: object = settings
    for part in key:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
