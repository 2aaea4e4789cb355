"""Temporary values by request: in force in all processes of the host, and never in the file."""

import time
from collections.abc import Callable

from breakerd.api.http.admin import AdminContext
from breakerd.api.security.auth import Actor
from breakerd.breaker.config import ConfigFile, Document
from breakerd.breaker.config.following.in_force import Changes
from breakerd.breaker.config.following.temporary import (
    Temporaries,
    TemporaryValue,
    print_of,
    value_at,
    without,
)
from breakerd.breaker.config_log.row import leaves


def hold(
    admin: AdminContext,
    config: ConfigFile,
    actor: Actor,
    wanted: Callable[[Document], Changes],
) -> None:
    """Put values in force until the last process of the host ends.

    None, or what the file has, ends the temporary value of its key. Without a log of
    configurations, they are in force in this process only.

    Raises:
        ConfigError: a value is invalid; nothing was changed.
        NotStoredError: the other processes cannot be told; nothing was changed.
    """

    def change(present: Temporaries) -> Temporaries:
        return laid_over(config, actor, present, wanted(config.lasting))

    if admin.config_log is None:
        with config.lock:
            config.overlay(change(config.temporary))
    else:
        admin.config_log.start()  # else the first start would find nobody, and drop them
        admin.config_log.temporary.change(change)
        admin.config_log.note_temporary()


def laid_over(
    config: ConfigFile, actor: Actor, present: Temporaries, changes: Changes
) -> Temporaries:
    """Return the temporary values with changes in them."""
    data, now = config.lasting.data, time.time()
    flat = [
        (inner, each)
        for key, value in changes.items()
        for inner, each in (leaves(value, key) if value != {} else [(key, value)])
    ]
    values = [
        TemporaryValue(key, value, print_of(value_at(data, key)), actor.by, now, actor.reason)
        for key, value in flat
        if value is not None and print_of(value) != print_of(value_at(data, key))
    ]
    return (*without(present, [key for key, _ in flat]), *values)
