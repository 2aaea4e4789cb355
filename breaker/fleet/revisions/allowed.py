"""List of the settings that hosts share: checked when one is published, and when it is taken."""

from functools import lru_cache
from typing import Final

from breakerd.breaker.config.sections import BREAKERS, FOREIGN_SECTIONS, valid_name
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import unknown_key
from breakerd.breaker.settings import Settings

ALERTS: Final = "alerts"
SHARED_ALERTS: Final = frozenset(
    {
        "attach_chart",
        "degraded_after",
        "fallback_after",
        "group_window",
        "inhibit_latency_on_memory",
        "inhibition",
        "maintenance",
        "on_manual_close",
        "on_missed_incident",
        "remind_after",
        "reopen_after",
        "request_timeout",
        "resolve_after",
        "retry_limit",
    }
)
"""Keys of `[alerts]` that hosts share: none with a secret, a receiver, a person or an address."""
_UNSHARED_ALERTS: Final = frozenset(
    {
        "dashboard_url",
        "database",
        "degraded_stages",
        "receivers",
        "runbook_url",
        "stages",
        "templates",
    }
)


def is_never_shared(key: Key) -> bool:
    """Return True for what no host may take from the hub, whoever has written it there."""
    if key[0] == ALERTS:
        return len(key) < 2 or key[1] in _UNSHARED_ALERTS
    if key[0] == BREAKERS:
        return len(key) < 3 or not valid_name(key[1])
    return key[0] in FOREIGN_SECTIONS


def is_known(key: Key) -> bool:
    """Return True if this version has that setting, and shares it."""
    if is_never_shared(key):
        return False
    if key[0] == ALERTS:
        return key[1] in SHARED_ALERTS
    return _is_setting(key[2:] if key[0] == BREAKERS else key)


def is_plain(value: object) -> bool:
    """Return True for a value that JSON and TOML have in common."""
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(name, str) and is_plain(each) for name, each in value.items())
    return isinstance(value, str | bool | int | float)


@lru_cache(maxsize=1024)
def _is_setting(key: Key) -> bool:
    """Return True for a setting of a breaker; to look that up takes milliseconds."""
    return unknown_key(Settings, key) is None
